package command

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/story"
	"reprise.dev/reprise/workload"
)

func (p *plugin) retryCommand() *cobra.Command {
	var timeout time.Duration
	command := &cobra.Command{
		Use:   "retry [WORKLOAD [REVISION]]",
		Short: "Have what failed admitted once more, before its time is over",
		Long: `Lift the quarantine of a revision that failed, the newest one where none is named: the same apply is admitted once more.
Nothing is deployed by it.

Exit codes: 0 it is admitted, 1 it was asked in vain, 2 it cannot be told, or not within --timeout.`,
		Example: `  # The cause lay elsewhere and is mended: apply the same once more
  kubectl reprise retry cart && kubectl apply -f manifests.yaml && kubectl reprise wait -f manifests.yaml`,
		Args: cobra.MaximumNArgs(2), ValidArgsFunction: p.completeRevision,
		RunE: func(command *cobra.Command, args []string) error {
			return p.retry(command.Context(), timeout, args)
		},
	}
	command.Flags().DurationVar(&timeout, "timeout", 30*time.Second, "how long to wait for the answer at most")
	return command
}

func (p *plugin) retry(ctx context.Context, timeout time.Duration, args []string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	w, err := p.askable(ctx, c, first(args))
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
	value := strconv.FormatInt(failure.Spec.Number, 10)
	request := workload.RetryAnnotation + "=" + value
	if w.Answer(request) == nil {
		if err := c.annotate(ctx, w, workload.RetryAnnotation, value); err != nil {
			return err
		}
	}
	progress, err := p.await(ctx, c, w.Name, timeout, func(ctx context.Context) (story.Progress, error) {
		now, err := c.load(ctx, w.Namespace, w.Name)
		return now.RetryStatus(request), err
	})
	if err != nil {
		return err
	}
	return p.result(progress, timeout)
}
