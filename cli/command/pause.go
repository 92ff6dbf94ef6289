package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/workload"
)

func (p *plugin) pauseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "pause [WORKLOAD]",
		Short: "Have failures only reported, not rolled back",
		Long: `Set the annotation reprise.dev/rollback of the Deployment to manual: failures are judged, recorded and reported, and
nothing is put back unless somebody asks (kubectl reprise rollback). Admission goes on as before.

Exit codes: 0 it is so, 2 it cannot be done.`,
		Example:           "  # Try something out, and let nothing be put back\n  kubectl reprise pause cart",
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
		Short: "Have failures rolled back again, after pause",
		Long: `Clear the annotation reprise.dev/rollback of the Deployment, which pause has set: what the pod template, the namespace
or the install says holds again. A failed revision that is live is rolled back then.

Exit codes: 0 it is so, 2 it cannot be done.`,
		Example:           "  # Have failures of cart rolled back again\n  kubectl reprise resume cart",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeWorkload,
		RunE: func(command *cobra.Command, args []string) error {
			return p.setMode(command.Context(), first(args), "")
		},
	}
}

// setMode sets what a failure leads to, or clears it where the mode is empty. Only what pause sets is cleared: off was
// set by somebody who meant more by it.
func (p *plugin) setMode(ctx context.Context, argument string, mode workload.Mode) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	w, err := c.find(ctx, argument)
	if err != nil {
		return err
	}
	if w.Deployment == nil {
		return fmt.Errorf("deployment/%s is gone; only its history is kept", w.Name)
	}
	if set := w.Deployment.Annotations[workload.RollbackAnnotation]; set != "" && set != string(workload.ModeManual) {
		return fmt.Errorf("%s of deployment/%s is %q, which pause has not set: change it where it was set", workload.RollbackAnnotation, w.Name, set)
	}
	if err := c.annotate(ctx, w, workload.RollbackAnnotation, string(mode)); err != nil {
		return err
	}
	if w, err = c.load(ctx, w.Namespace, w.Name); err != nil {
		return err
	}
	switch {
	case w.Settings.Rollback == workload.ModeAuto:
		fmt.Fprintf(p.Out, "%s: a failure is rolled back\n", w.Name)
	case mode == "":
		fmt.Fprintf(p.Out, "%s: the annotation is cleared, but %s is %s still, by its pod template or its namespace\n", w.Name, workload.RollbackAnnotation, w.Settings.Rollback)
	default:
		fmt.Fprintf(p.Out, "%s: a failure is only reported; %s ends that\n", w.Name, w.Resume())
	}
	return nil
}
