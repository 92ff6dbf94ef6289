package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/cli/terminal"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/story"
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
		Short: "Roll back a workload to an earlier revision, and wait until it is healthy",
		Long: `Roll back a workload to an earlier revision, with the Score files of that revision. Without --to, the target is the
last healthy revision that is not live. The command shows the changes and asks for confirmation.

The command requests the rollback by an annotation of the Deployment, and Reprise performs it. Reprise first checks that the
revision can run. Your next apply meets no conflict. A deployment that arrives in the meantime wins.

Exit codes: 0 success (the revision is Healthy, or you declined), 1 request rejected, on hold or failed, 2 error,
unknown or timeout, 3 superseded by another deployment.`,
		Example: `  # Show what a rollback to the last healthy revision would change
  kubectl reprise rollback cart --dry-run

  # Roll back to revision 4 without confirmation
  kubectl reprise rollback cart --to 4 --yes`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeWorkload,
		RunE: func(command *cobra.Command, args []string) error {
			return p.rollback(command.Context(), o, first(args))
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.to, "to", "", "The number of the revision to roll back to.")
	flags.BoolVarP(&o.yes, "yes", "y", false, "If true, roll back without confirmation.")
	flags.BoolVar(&o.dryRun, "dry-run", false, "If true, only print the changes.")
	flags.DurationVar(&o.timeout, "timeout", 5*time.Minute, "The length of time to wait for the rollback.")
	_ = command.RegisterFlagCompletionFunc("to", p.completeNumber) // The flag exists.
	return command
}

func (p *plugin) rollback(ctx context.Context, o rollbackOptions, argument string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	w, err := p.requestable(ctx, c, argument)
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
	request := story.Request{Annotation: v1alpha1.RollbackToAnnotation + "=" + value, From: live.Spec.Number, Held: live.HoldMessage()}
	if w.Deployment.Annotations[v1alpha1.RollbackToAnnotation] == value {
		request.Held = "" // It is requested already, so the reason for the hold is news.
	}
	if before := w.Answer(request.Annotation); before != nil {
		return fmt.Errorf("%s was requested before, and Reprise answers each value once: %s", request.Annotation, before.Message)
	}
	if !o.yes {
		agreed, err := terminal.Confirm(p.In, p.ErrOut, fmt.Sprintf("Roll back %s to #%d?", w.Name, target.Spec.Number))
		if err != nil || !agreed {
			return err
		}
	}
	if err := cluster.Annotate(ctx, c.API, w, v1alpha1.RollbackToAnnotation, value); err != nil {
		return err
	}
	workloads := cluster.NewWorkloads(c)
	progress, err := p.poll(ctx, c, w.Namespace, w.Name, o.timeout, func(ctx context.Context) (story.Progress, error) {
		now, err := workloads.Load(ctx, w.Namespace, w.Name)
		return now.RollbackRequestStatus(request), err
	})
	if err != nil {
		return err
	}
	return p.result(progress, o.timeout)
}

// targetOf returns the revision to roll back to.
func targetOf(w story.Workload, to string) (*v1alpha1.WorkloadRevision, error) {
	if to != "" {
		return w.Revision(to)
	}
	if target := w.RollbackTarget(); target != nil {
		return target, nil
	}
	return nil, fmt.Errorf("%s has no healthy revision other than #%d, which runs; use --to to name another", w.Name, w.Live().Spec.Number)
}

// showRollback prints what a rollback changes.
func (p *plugin) showRollback(w story.Workload, target *v1alpha1.WorkloadRevision) error {
	changes, err := changesBetween(w.Live(), target)
	if err != nil {
		return err
	}
	look := p.look()
	fmt.Fprintf(p.Out, "%s #%d → #%d (%s)\n", w.Name, w.Live().Spec.Number, target.Spec.Number, story.Label(target))
	fmt.Fprint(p.Out, changes.Long(diff.LongOptions{Color: look.Color, Width: look.Width}))
	return nil
}
