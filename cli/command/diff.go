package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/story"
)

// diffOptions are the flags of diff.
type diffOptions struct {
	output     string
	kubernetes bool
}

func (p *plugin) diffCommand() *cobra.Command {
	var o diffOptions
	command := &cobra.Command{
		Use:   "diff [WORKLOAD [A [B]]]",
		Short: "Show what changed between two revisions, Score's files by lines",
		Long: `Show what changed from revision A to revision B, in Score's terms, with credentials masked. B is the newest where it is
left out. Without both it is the last healthy revision against the newest; where Reprise has put a revision back, that
one against what it replaced.

Exit codes: 0 it is shown, whether something changed or not, 2 it cannot be told.`,
		Example: `  # What the newest revision changed, or what was put back
  kubectl reprise diff cart

  # From revision 4 to 5, for a program
  kubectl reprise diff cart 4 5 -o json`,
		Args:              cobra.MaximumNArgs(3),
		ValidArgsFunction: p.completeRevision,
		RunE: func(command *cobra.Command, args []string) error {
			if err := known(o.output, "", "json"); err != nil {
				return err
			}
			return p.diff(command.Context(), o, args)
		},
	}
	outputFlag(command, &o.output, "", "json, or nothing: for people", []string{"json"})
	command.Flags().BoolVar(&o.kubernetes, "kubernetes", false, "name fields as in the Deployment, not in Score's terms")
	return command
}

func (p *plugin) diff(ctx context.Context, o diffOptions, args []string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	w, err := c.find(ctx, first(args))
	if err != nil {
		return err
	}
	from, to, what, err := compared(w, args)
	if err != nil {
		return err
	}
	changes, err := changesBetween(from, to)
	if err != nil {
		return err
	}
	if o.output == "json" {
		encoded, err := changes.JSON()
		if err != nil {
			return err
		}
		_, err = p.Out.Write(encoded)
		return err
	}
	look := p.look()
	fmt.Fprintf(p.Out, "%s #%d → #%d%s\n", w.Name, from.Spec.Number, to.Spec.Number, what)
	fmt.Fprint(p.Out, changes.Long(diff.LongOptions{Color: look.Colour, Width: look.Width, Kubernetes: o.kubernetes}))
	return nil
}

// compared are the revisions that the arguments name.
func compared(w story.Workload, args []string) (from, to *v1alpha1.WorkloadRevision, what string, err error) {
	if len(args) < 2 {
		from, to, what, err = w.DefaultDiff()
		return from, to, ": " + what, err
	}
	if from, err = w.Revision(args[1]); err != nil {
		return nil, nil, "", err
	}
	if to = w.History.Newest(); len(args) > 2 {
		to, err = w.Revision(args[2])
	}
	return from, to, "", err
}

// changesBetween compares what two revisions hold.
func changesBetween(from, to *v1alpha1.WorkloadRevision) (diff.Changes, error) {
	before, err := history.ToDiffRevision(from)
	if err != nil {
		return nil, err
	}
	after, err := history.ToDiffRevision(to)
	if err != nil {
		return nil, err
	}
	return diff.Revisions(before, after)
}
