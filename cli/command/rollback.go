package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/story"
	"reprise.dev/reprise/workload"
)

// rollbackOptions are the flags of rollback.
type rollbackOptions struct {
	to      string
	yes     bool
	dryRun  bool
	timeout time.Duration
}

func (p *plugin) rollbackCommand() *cobra.Command {
	var o rollbackOptions
	command := &cobra.Command{
		Use:   "rollback [WORKLOAD]",
		Short: "Put an earlier revision back, and follow it until it is healthy",
		Long: `Put an earlier revision back, with Score's files as they were: the last healthy one that is not what runs, or --to. It
shows what changes and asks first. Reprise does it, asked by an annotation of the Deployment, and makes sure that the
revision can run before it writes anything; the next apply meets no conflict. A deploy that arrives meanwhile wins.

Exit codes: 0 it is back and Healthy, or nothing was wanted, 1 it was refused, held, or failed, 2 it cannot be told, or
not within --timeout, 3 another deploy came in between.`,
		Example: `  # Show what going back to the last healthy revision would change
  kubectl reprise rollback cart --dry-run

  # Put revision 4 back, without being asked
  kubectl reprise rollback cart --to 4 --yes`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeWorkload,
		RunE: func(command *cobra.Command, args []string) error {
			return p.rollback(command.Context(), o, first(args))
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.to, "to", "", "the number of the revision to put back")
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&o.dryRun, "dry-run", false, "show what would change, and ask for nothing")
	flags.DurationVar(&o.timeout, "timeout", 5*time.Minute, "how long to follow it at most")
	_ = command.RegisterFlagCompletionFunc("to", p.completeNumber) // The flag exists.
	return command
}

func (p *plugin) rollback(ctx context.Context, o rollbackOptions, argument string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	w, err := p.askable(ctx, c, argument)
	if err != nil {
		return err
	}
	target, err := targetOf(w, o.to)
	if err != nil {
		return err
	}
	if err := p.showRollback(w, target); err != nil || o.dryRun {
		return err
	}
	live := w.Live()
	value := fmt.Sprintf("%d@%d", target.Spec.Number, live.Spec.Number)
	request := story.Request{Annotation: workload.RollbackToAnnotation + "=" + value, From: live.Spec.Number, Held: live.HoldMessage()}
	if w.Deployment.Annotations[workload.RollbackToAnnotation] == value {
		request.Held = "" // It stands already, and what holds it is told at once.
	}
	if before := w.Answer(request.Annotation); before != nil {
		return fmt.Errorf("%s was asked for already, and each value is answered once: %s", request.Annotation, before.Message)
	}
	if !o.yes {
		agreed, err := p.agreed(fmt.Sprintf("Put #%d of %s back?", target.Spec.Number, w.Name))
		if err != nil || !agreed {
			return err
		}
	}
	if err := c.annotate(ctx, w, workload.RollbackToAnnotation, value); err != nil {
		return err
	}
	progress, err := p.await(ctx, c, w.Name, o.timeout, func(ctx context.Context) (story.Progress, error) {
		now, err := c.load(ctx, w.Namespace, w.Name)
		return now.RollbackRequestStatus(request), err
	})
	if err != nil {
		return err
	}
	return p.result(progress, o.timeout)
}

// targetOf is the revision to put back.
func targetOf(w story.Workload, to string) (*v1alpha1.WorkloadRevision, error) {
	if to != "" {
		return w.Revision(to)
	}
	if target := w.RollbackTarget(); target != nil {
		return target, nil
	}
	return nil, fmt.Errorf("no revision of %s was healthy but what runs, #%d; --to names another", w.Name, w.Live().Spec.Number)
}

// showRollback shows what changes.
func (p *plugin) showRollback(w story.Workload, target *v1alpha1.WorkloadRevision) error {
	changes, err := changesBetween(w.Live(), target)
	if err != nil {
		return err
	}
	look := p.look()
	fmt.Fprintf(p.Out, "%s #%d → #%d (%s)\n", w.Name, w.Live().Spec.Number, target.Spec.Number, story.Label(target))
	fmt.Fprint(p.Out, changes.Long(diff.LongOptions{Color: look.Colour, Width: look.Width}))
	return nil
}
