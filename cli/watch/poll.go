package watch

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/story"
)

const (
	// progressEvery is how often Poll hands out what it waits for.
	progressEvery = 200 * time.Millisecond
	// pollEvery is after how long Poll looks again although no change was seen.
	pollEvery = 2 * time.Second
)

// errTimeout means that the time was over before the end.
var errTimeout = errors.New("timed out")

// PollOptions say what Poll waits for.
type PollOptions struct {
	Namespace, Name string
	// Timeout is how long to wait. It is at most this: the state is pending then, and there is no
	// error.
	Timeout time.Duration
	// Look reads how far the workload is.
	Look func(context.Context) (story.Progress, error)
	// Waiting hears several times a second what is waited for.
	Waiting func(message string)
}

// Poll looks whenever a revision of a workload changes, and now and then, until the progress is not
// pending any more. It goes on while the API server does not answer.
func Poll(ctx context.Context, api client.WithWatch, o PollOptions) (story.Progress, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout, errTimeout)
	defer cancel()
	changed := changes(ctx, api, o.Namespace, o.Name)
	tick, again := time.NewTicker(progressEvery), time.NewTicker(pollEvery)
	defer tick.Stop()
	defer again.Stop()
	var progress story.Progress
	for {
		now, err := o.Look(ctx)
		message := now.Message
		switch {
		case err == nil && now.State != story.Pending:
			return now, nil
		case err == nil:
			progress = now
		case ctx.Err() != nil:
			message = progress.Message
		case cluster.Temporary(err):
			message = "the cluster does not answer: " + err.Error()
		default:
			return progress, err
		}
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				if errors.Is(context.Cause(ctx), errTimeout) {
					return progress, nil
				}
				return progress, fmt.Errorf("interrupted: %s", progress.Message)
			case <-tick.C:
				o.Waiting(message)
			case _, open := <-changed:
				if !open {
					changed = nil // The caller may not watch. Poll looks now and then.
				}
				waiting = false
			case <-again.C:
				waiting = false
			}
		}
	}
}

// changes hears that a workload's revisions changed. It is closed where they cannot be watched.
func changes(ctx context.Context, api client.WithWatch, namespace, name string) <-chan struct{} {
	changed := make(chan struct{}, 1)
	go func() {
		defer close(changed)
		watching, err := api.Watch(ctx, &v1alpha1.WorkloadRevisionList{}, &client.ListOptions{
			Namespace: namespace, FieldSelector: fields.OneTermEqualSelector(store.WorkloadField, name), Raw: &metav1.ListOptions{},
		})
		if err != nil {
			return
		}
		defer watching.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case _, open := <-watching.ResultChan():
				if !open {
					return
				}
			}
			notify(changed)
		}
	}()
	return changed
}
