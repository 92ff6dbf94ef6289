package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/story"
)

func (p *plugin) historyCommand() *cobra.Command {
	var o tableOptions
	command := &cobra.Command{
		Use:   "history [WORKLOAD]",
		Short: "List what was deployed, and what became of it",
		Long: `List a workload's revisions, the newest last: what changed, by whom, and why it failed. The live one is marked, and
the last healthy one where it is another: that is what a failure goes back to.

Exit codes: 0 it is shown, 2 it cannot be told.`,
		Example: `  # What was deployed of cart, and what became of it
  kubectl reprise history cart

  # With who delivered it and why
  kubectl reprise history cart -o wide`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeWorkload,
		RunE: func(command *cobra.Command, args []string) error {
			if err := known(o.output, formats...); err != nil {
				return err
			}
			return p.history(command.Context(), o, first(args))
		},
	}
	tableFlags(command, &o)
	return command
}

func (p *plugin) history(ctx context.Context, o tableOptions, argument string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	w, err := c.find(ctx, argument)
	if err != nil {
		return err
	}
	if o.output != "" && o.output != "wide" {
		return p.printRevisions(o.output, w.History)
	}
	p.warnOfSilence(ctx, c)
	if len(w.History) == 0 {
		fmt.Fprintf(p.ErrOut, "nothing of %s is recorded yet\n", w.Name)
		return nil
	}
	return story.HistoryTable(w, time.Now()).Write(p.Out, p.look(), o.output == "wide", !o.noHeaders)
}
