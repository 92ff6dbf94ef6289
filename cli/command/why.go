package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/story"
)

func (p *plugin) whyCommand() *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "why [WORKLOAD [REVISION]]",
		Short: "Show why a revision failed or an apply was refused, and what to do next",
		Long: `Show on one screen why a revision failed: the causal line, what it changed, what its containers left behind, what the
cluster said of them, what was put back and how long that took, and what to do next. Without a number it is what happened
last: the newest revision that failed, or the apply that was refused since, with the policy that refused it. That is read
from events, which most clusters keep for an hour.

Exit codes: 0 it is shown, or nothing has failed, 2 it cannot be told.`,
		Example: `  # Why the last deploy of cart failed, or was refused
  kubectl reprise why cart

  # Why revision 5 failed
  kubectl reprise why cart 5`,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: p.completeRevision,
		RunE: func(command *cobra.Command, args []string) error {
			if err := known(output, "", "json", "yaml"); err != nil {
				return err
			}
			return p.why(command.Context(), output, args)
		},
	}
	outputFlag(command, &output, "", "json or yaml: the whole Revision that failed; or nothing: for people", []string{"json", "yaml"})
	return command
}

func (p *plugin) why(ctx context.Context, output string, args []string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	w, err := c.found(ctx, first(args))
	if err != nil {
		return err
	}
	if text := w.WhyDenied(p.look(), time.Now()); text != "" && output == "" && len(args) < 2 {
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
		return fmt.Errorf("nothing of %s is recorded yet", w.Name)
	case r == nil:
		r = w.History.Newest()
	}
	if output != "" {
		return p.printRevision(output, r.DeepCopy())
	}
	fmt.Fprint(p.Out, diagnosis(w, r).Why(p.look(), time.Now()))
	return nil
}

// diagnosis reads what a revision changed. What cannot be read any more is shown as it was noted.
func diagnosis(w story.Workload, r *v1alpha1.WorkloadRevision) story.Diagnosis {
	d := story.Diagnosis{Workload: w, Revision: r}
	if r.Status.Failure == nil {
		return d
	}
	healthy := w.History.Number(r.Status.Failure.ComparedWith)
	if healthy == nil {
		return d
	}
	if changes, err := changesBetween(healthy, r); err == nil {
		if d.Changes = changes; changes == nil {
			d.Changes = diff.Changes{}
		}
	}
	return d
}
