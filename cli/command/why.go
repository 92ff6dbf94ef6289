package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/cli/terminal"
)

func (p *plugin) whyCommand() *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "why [WORKLOAD [REVISION]]",
		Short: "Explain why a revision failed or admission denied an apply, and what to do next",
		Long: `Explain on one screen why a revision failed and what to do next. The screen shows the cause, the changes, the evidence from
its containers, the cluster's Events, and the rollback with the time that it took.

Without REVISION, explain what happened last: the newest revision that failed, or the apply that admission denied since
then. The command reads denied applies from Events, which most clusters keep for an hour.

Exit codes: 0 success, also if nothing has failed, 2 error or unknown.`,
		Example: `  # Explain why the last deployment of cart failed or was denied
  kubectl reprise why cart

  # Explain why revision 5 failed
  kubectl reprise why cart 5`,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: p.completeRevision,
		RunE: func(command *cobra.Command, args []string) error {
			if err := terminal.CheckFormat(output, dataFormats...); err != nil {
				return err
			}
			return p.why(command.Context(), output, args)
		},
	}
	outputFlag(command, &output, terminal.Default, fmt.Sprintf("Output format of the WorkloadRevision. One of %v.", dataFormats), dataFormats)
	return command
}

func (p *plugin) why(ctx context.Context, output string, args []string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	w, err := cluster.NewWorkloads(c).FindWithEvents(ctx, c.Namespace, first(args))
	if err != nil {
		return err
	}
	if text := w.WhyDenied(p.look(), time.Now()); text != "" && output == terminal.Default && len(args) < 2 {
		fmt.Fprint(p.Out, text)
		return nil
	}
	r := w.DefaultFailure()
	if len(args) > 1 {
		if r, err = w.Revision(args[1]); err != nil {
			return err
		}
	}
	switch {
	case r == nil && len(w.History) == 0:
		return errors.New(notRecorded(w))
	case r == nil:
		r = w.History.Newest()
	}
	if output != terminal.Default {
		return writeRevision(p.Out, output, r.DeepCopy())
	}
	fmt.Fprint(p.Out, diagnosis(w, r).Why(p.look(), time.Now()))
	return nil
}
