package recorder

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"reprise.dev/reprise/history"
)

const (
	// watchSeconds bounds one watch, so that a connection that died silently is noticed.
	watchSeconds = 300
	// listPage is how many Deployments one call of the initial list returns. One, decoded, takes
	// 100 kB.
	listPage = 100
	// retryPause is how long the watch waits after a failure.
	retryPause = time.Second
)

// deploymentWatch follows every stored change of every Deployment, in order and without a gap, and
// passes on those with a new intent. An informer cannot do that: it cannot start at a checkpoint,
// and its queue of keys loses what it coalesces.
type deploymentWatch struct {
	// deployments reads them as the API server sends them: a typed client drops fields that its
	// types do not know.
	deployments dynamic.ResourceInterface
	seen        lastSeen
	progress    *watchProgress
	// included reports whether the Deployments of a namespace are recorded.
	included func(namespace string) bool
	// newest returns the resourceVersion that the API server has reached.
	newest func(context.Context) (string, error)
	// enqueue passes an event on. It must not block for long.
	enqueue func(intentEvent)
	// pause waits, or returns the context's error.
	pause func(context.Context, time.Duration) error
}

// run follows from a resourceVersion, or from a list if there is none, until the context ends.
func (w *deploymentWatch) run(ctx context.Context, from string) {
	adoption := history.AdoptedInitially
	for {
		var err error
		if from == "" {
			from, err = w.list(ctx, adoption)
		}
		if err == nil {
			from, err = w.follow(ctx, from)
		}
		if ctx.Err() != nil {
			return
		}
		if expired(err) || errors.Is(err, errWentBack) {
			log.FromContext(ctx).Info("The API server cannot replay every change since the checkpoint; recording the current state as after a gap", "since", from, "cause", err.Error())
			if errors.Is(err, errWentBack) {
				clear(w.seen) // What was recorded of it may be gone.
			}
			from, adoption = "", history.AdoptedAfterGap
			continue
		}
		if err != nil {
			log.FromContext(ctx).Error(err, "Watching Deployments; retrying", "from", from)
		}
		if w.pause(ctx, retryPause) != nil {
			return
		}
	}
}

// expired reports whether the API server can no longer replay from the resourceVersion at which a
// watch should start.
func expired(err error) bool {
	return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || apierrors.IsInvalid(err) ||
		apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge)
}

// errWentBack means that etcd was restored from a backup: the API server has not reached the
// resourceVersion from which a watch should start, and a watch would be silent until it does.
var errWentBack = errors.New("the API server's resourceVersions went back, as after a restore of etcd")

// checkReached returns errWentBack if the API server has not reached a resourceVersion that it gave
// out before. If two cannot be compared, nothing is known.
func (w *deploymentWatch) checkReached(ctx context.Context, from string) error {
	now, err := w.newest(ctx)
	if err != nil {
		return fmt.Errorf("reading the resourceVersion that the API server has reached: %w", err)
	}
	if order, err := resourceversion.CompareResourceVersion(now, from); err == nil && order < 0 {
		return fmt.Errorf("%w: from %s to %s", errWentBack, from, now)
	}
	return nil
}

// list passes on what is stored now, as adopted, and returns the resourceVersion to follow from.
func (w *deploymentWatch) list(ctx context.Context, adoption history.Adoption) (string, error) {
	options := metav1.ListOptions{Limit: listPage}
	for {
		page, err := w.deployments.List(ctx, options)
		if err != nil {
			return "", fmt.Errorf("listing Deployments: %w", err)
		}
		for i := range page.Items {
			// The items of a list have no order of their own. The list's resourceVersion, tracked
			// after them, stands for all, and is not reached before each is recorded.
			w.handle(ctx, &page.Items[i], "", adoption)
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			w.progress.track(page.GetResourceVersion(), true)
			return page.GetResourceVersion(), nil
		}
	}
}

// follow watches from a resourceVersion until the watch ends, and returns how far it came.
func (w *deploymentWatch) follow(ctx context.Context, from string) (string, error) {
	if err := w.checkReached(ctx, from); err != nil {
		return from, err
	}
	stream, err := w.deployments.Watch(ctx, metav1.ListOptions{
		ResourceVersion: from, AllowWatchBookmarks: true, TimeoutSeconds: new(int64(watchSeconds)),
	})
	if err != nil {
		return from, fmt.Errorf("watching Deployments: %w", err)
	}
	defer stream.Stop()
	for e := range stream.ResultChan() {
		raw, ok := e.Object.(*unstructured.Unstructured)
		switch {
		case e.Type == watch.Error:
			return from, apierrors.FromObject(e.Object)
		case !ok:
			return from, fmt.Errorf("watching Deployments: unexpected %T", e.Object)
		case e.Type == watch.Bookmark:
			w.progress.track(raw.GetResourceVersion(), true)
		case e.Type == watch.Deleted:
			delete(w.seen, nameOf(raw))
			w.progress.track(raw.GetResourceVersion(), true)
		default:
			w.handle(ctx, raw, raw.GetResourceVersion(), "")
		}
		from = raw.GetResourceVersion()
	}
	return from, nil
}

// handle tracks a stored Deployment under a resourceVersion, and passes it on if its intent is new.
func (w *deploymentWatch) handle(ctx context.Context, raw *unstructured.Unstructured, version string, adoption history.Adoption) {
	observed, isNew := w.observe(ctx, raw)
	tracked := w.progress.track(version, !isNew)
	if isNew {
		w.enqueue(intentEvent{Observed: observed, Arrival: history.Arrival{Adoption: adoption}, tracked: tracked})
	}
}

// observe returns a stored Deployment, and whether its intent is new and to be recorded.
func (w *deploymentWatch) observe(ctx context.Context, raw *unstructured.Unstructured) (history.Observed, bool) {
	if !guarded(raw) || raw.GetDeletionTimestamp() != nil || !w.included(raw.GetNamespace()) {
		return history.Observed{}, false
	}
	observed, err := history.Observe(raw)
	if err != nil {
		log.FromContext(ctx).Error(err, "This Deployment cannot be decoded, and is not recorded")
		return history.Observed{}, false
	}
	return observed, w.seen.isNew(nameOf(raw), observed.Identity)
}

// nameOf returns the name of a Deployment, with its namespace.
func nameOf(raw *unstructured.Unstructured) types.NamespacedName {
	return types.NamespacedName{Namespace: raw.GetNamespace(), Name: raw.GetName()}
}
