package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"reprise.dev/reprise/story"
)

// The exit codes of commands that wait, beside cannotTell.
const (
	failed     = 1
	superseded = 3
)

// errTimeout means that there was no answer in time.
var errTimeout = errors.New("timed out")

// await follows a workload until it has come to an end. What it says is pending where the time is over. An API server
// that does not answer for a while is waited for too.
func (p *plugin) await(ctx context.Context, c *connection, name string, timeout time.Duration, look func(context.Context) (story.Progress, error)) (story.Progress, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	var progress story.Progress
	err := p.follow(ctx, c, c.namespace, name, func() (bool, string, error) {
		now, err := look(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return false, progress.Message, nil
		case err != nil && passing(err):
			return false, "the cluster does not answer: " + err.Error(), nil
		case err != nil:
			return false, "", err
		}
		progress = now
		return progress.State != story.Pending, progress.Message, nil
	})
	switch {
	case errors.Is(err, errTimeout):
		return progress, nil
	case errors.Is(err, context.Canceled):
		return progress, fmt.Errorf("interrupted: %s", progress.Message)
	default:
		return progress, err
	}
}

// passing says whether an error tells of a cluster that may answer in a moment.
func passing(err error) bool {
	return utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsProbableEOF(err) || utilnet.IsTimeout(err) ||
		apierrors.IsServerTimeout(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err)
}

// result says how something ended, and makes it an exit code.
func (p *plugin) result(progress story.Progress, timeout time.Duration) error {
	switch progress.State {
	case story.Healthy:
		fmt.Fprintln(p.Out, progress.Message)
		return nil
	case story.Failed:
		fmt.Fprintln(p.Out, progress.Message)
		return outcome(failed)
	case story.Superseded:
		fmt.Fprintln(p.Out, progress.Message)
		return outcome(superseded)
	default:
		return fmt.Errorf("timed out after %s: %s", timeout, cmp.Or(progress.Message, "there was no answer yet"))
	}
}
