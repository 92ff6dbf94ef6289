package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/cli/terminal"
	"reprise.dev/reprise/diff"
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
		Use:   "diff [WORKLOAD [FROM [TO]]]",
		Short: "Compare two revisions, and their Score files line by line",
		Long: `Compare two revisions of a workload in Score's terms. Credentials are masked.

If you leave out TO, FROM is compared with the newest revision. If you leave out both, the last healthy revision is compared
with the newest one. After a rollback, it is compared with the revision that was rolled back.

Exit codes: 0 success, whether the revisions differ or not, 2 error or unknown.`,
		Example: `  # Show what the newest revision changed, or what a rollback undid
  kubectl reprise diff cart

  # Compare revision 4 with revision 5, as JSON
  kubectl reprise diff cart 4 5 -o json`,
		Args:              cobra.MaximumNArgs(3),
		ValidArgsFunction: p.completeRevision,
		RunE: func(command *cobra.Command, args []string) error {
			if err := terminal.CheckFormat(o.output, terminal.JSON); err != nil {
				return err
			}
			return p.diff(command.Context(), o, args)
		},
	}
	outputFlag(command, &o.output, terminal.Default, "Output format. One of [json].", []string{terminal.JSON})
	command.Flags().BoolVar(&o.kubernetes, "kubernetes", false, "If true, name fields as in the Deployment instead of in Score's terms.")
	return command
}

func (p *plugin) diff(ctx context.Context, o diffOptions, args []string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	w, err := p.find(ctx, c, first(args))
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
	if o.output == terminal.JSON {
		encoded, err := changes.JSON()
		if err != nil {
			return err
		}
		_, err = p.Out.Write(encoded)
		return err
	}
	look := p.look()
	fmt.Fprintf(p.Out, "%s #%d → #%d%s\n", w.Name, from.Spec.Number, to.Spec.Number, what)
	fmt.Fprint(p.Out, changes.Long(diff.LongOptions{Color: look.Color, Width: look.Width, Kubernetes: o.kubernetes}))
	return nil
}

// compared returns the revisions that the arguments name.
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
