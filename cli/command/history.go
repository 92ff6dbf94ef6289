package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/cli/terminal"
	"reprise.dev/reprise/story"
)

func (p *plugin) historyCommand() *cobra.Command {
	var o tableOptions
	command := &cobra.Command{
		Use:   "history [WORKLOAD]",
		Short: "List the revisions of a workload",
		Long: `List the revisions of a workload, the newest last, with what each one changed, who deployed it, and why it failed. The
list marks the live revision and the last healthy one, which is the target of a rollback.

Exit codes: 0 success, 2 error or unknown.`,
		Example: `  # List the revisions of cart
  kubectl reprise history cart

  # Also show the tool that delivered each revision, and the change cause
  kubectl reprise history cart -o wide`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeWorkload,
		RunE: func(command *cobra.Command, args []string) error {
			if err := terminal.CheckFormat(o.output, tableFormats...); err != nil {
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
	w, err := p.find(ctx, c, argument)
	if err != nil {
		return err
	}
	if o.output != terminal.Default && o.output != terminal.Wide {
		return writeRevisions(p.Out, o.output, w.History)
	}
	p.warnNotRunning(ctx, c)
	if len(w.History) == 0 {
		fmt.Fprintln(p.ErrOut, notRecorded(w))
		return nil
	}
	return story.HistoryTable(w, time.Now()).Write(p.Out, p.look(), o.output == terminal.Wide, !o.noHeaders)
}

// notRecorded returns the message that a workload has no revision yet.
func notRecorded(w story.Workload) string {
	return fmt.Sprintf("Reprise has recorded no revision of %s", w.Name)
}
