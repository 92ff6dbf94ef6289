package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/workload"
)

func (p *plugin) pauseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "pause [WORKLOAD]",
		Short: "Stop rolling back failures of a workload",
		Long: `Set the annotation reprise.dev/rollback of the Deployment to manual. Reprise still assesses, records and reports failures,
but rolls back only on request (kubectl reprise rollback). Admission does not change.

Exit codes: 0 success, 2 error.`,
		Example:           "  # Try something out without automatic rollbacks\n  kubectl reprise pause cart",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeWorkload,
		RunE: func(command *cobra.Command, args []string) error {
			return p.setMode(command.Context(), first(args), workload.ModeManual)
		},
	}
}

func (p *plugin) resumeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "resume [WORKLOAD]",
		Short: "Roll back failures of a workload again, after pause",
		Long: `Remove the annotation reprise.dev/rollback from the Deployment, which pause has set. The setting of the pod template, the
namespace or the installation applies again. If a failed revision is live, Reprise can roll it back now.

Exit codes: 0 success, 2 error.`,
		Example:           "  # Roll back failures of cart again\n  kubectl reprise resume cart",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeWorkload,
		RunE: func(command *cobra.Command, args []string) error {
			return p.setMode(command.Context(), first(args), "")
		},
	}
}

// setMode sets the rollback mode of a workload, or removes it where the mode is empty. It removes
// only what pause sets: off was set by somebody who meant more by it.
func (p *plugin) setMode(ctx context.Context, argument string, mode workload.Mode) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	workloads := cluster.NewWorkloads(c)
	w, err := workloads.Find(ctx, c.Namespace, argument)
	if err != nil {
		return err
	}
	if w.Deployment == nil {
		return errGone(w)
	}
	if set := w.Deployment.Annotations[v1alpha1.RollbackAnnotation]; set != "" && set != string(workload.ModeManual) {
		return fmt.Errorf("annotation %s of deployment/%s is %q, which pause does not set: change it where it was set", v1alpha1.RollbackAnnotation, w.Name, set)
	}
	if err := cluster.Annotate(ctx, c.API, w, v1alpha1.RollbackAnnotation, string(mode)); err != nil {
		return err
	}
	if w, err = workloads.Load(ctx, w.Namespace, w.Name); err != nil {
		return err
	}
	switch {
	case w.Settings.Rollback == workload.ModeAuto:
		fmt.Fprintf(p.Out, "%s: Reprise rolls back failures\n", w.Name)
	case mode == "":
		fmt.Fprintf(p.Out, "%s: the annotation is removed, but its pod template or namespace still sets %s to %s\n", w.Name, v1alpha1.RollbackAnnotation, w.Settings.Rollback)
	default:
		fmt.Fprintf(p.Out, "%s: Reprise only reports failures. To roll back again: %s\n", w.Name, w.Resume())
	}
	return nil
}
