package command

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/story"
)

func (p *plugin) retryCommand() *cobra.Command {
	var timeout time.Duration
	command := &cobra.Command{
		Use:   "retry [WORKLOAD [REVISION]]",
		Short: "Lift the quarantine of a failed revision",
		Long: `Lift the quarantine of a failed revision, so that admission allows the same apply again. Without REVISION, it lifts
that of the newest failure. The command deploys nothing.

Exit codes: 0 success, 1 request rejected, 2 error, unknown or timeout.`,
		Example: `  # The cause was outside of the deployment and is fixed: apply the same manifests again
  kubectl reprise retry cart && kubectl apply -f manifests.yaml && kubectl reprise wait -f manifests.yaml`,
		Args: cobra.MaximumNArgs(2), ValidArgsFunction: p.completeRevision,
		RunE: func(command *cobra.Command, args []string) error {
			return p.retry(command.Context(), timeout, args)
		},
	}
	command.Flags().DurationVar(&timeout, "timeout", 30*time.Second, "The length of time to wait for the answer.")
	return command
}

func (p *plugin) retry(ctx context.Context, timeout time.Duration, args []string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	w, err := p.requestable(ctx, c, first(args))
	if err != nil {
		return err
	}
	failure := w.History.LastFailure()
	if len(args) > 1 {
		if failure, err = w.Revision(args[1]); err != nil {
			return err
		}
	}
	if failure == nil || !failure.HasFailed() {
		return fmt.Errorf("nothing to retry: %s", story.NoFailure(w, failure))
	}
	workloads := cluster.NewWorkloads(c)
	value := strconv.FormatInt(failure.Spec.Number, 10)
	request := v1alpha1.RetryAnnotation + "=" + value
	if w.Answer(request) == nil {
		if err := cluster.Annotate(ctx, c.API, w, v1alpha1.RetryAnnotation, value); err != nil {
			return err
		}
	}
	progress, err := p.poll(ctx, c, w.Namespace, w.Name, timeout, func(ctx context.Context) (story.Progress, error) {
		now, err := workloads.Load(ctx, w.Namespace, w.Name)
		return now.RetryStatus(request), err
	})
	if err != nil {
		return err
	}
	return p.result(progress, timeout)
}
