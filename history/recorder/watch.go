package recorder

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"reprise.dev/reprise/api/v1alpha1"
)

const (
	// watchSeconds bounds one watch, so that a connection that died silently is found out.
	watchSeconds = 300
	// listPage is how many Deployments one call of the initial list returns: one, decoded, takes 100 kB.
	listPage = 100
	// retryPause is how long the watch waits after a failure.
	retryPause = time.Second
)

// deploymentWatch follows every stored change of every Deployment, in order and without leaving one out, and hands on those
// that hold a new intent. An informer cannot do that: it cannot start at a checkpoint, and what a queue of keys
// coalesces is gone.
type deploymentWatch struct {
	// deployments reads them as the API server sends them: a typed client drops what its types do not know.
	deployments dynamic.ResourceInterface
	sights      lastSeen
	ledger      *watchProgress
	// wanted says in which namespaces Deployments are recorded at all.
	wanted func(namespace string) bool
	// push hands a capture on. It must not block for long.
	push func(observedIntent)
	// pause waits, or ends with the context's error.
	pause func(context.Context, time.Duration) error
}

// run follows from a resourceVersion, or from a list where there is none, until the context ends.
func (f *deploymentWatch) run(ctx context.Context, from string) error {
	adopted := v1alpha1.ReasonInitialList
	for {
		var err error
		if from == "" {
			from, err = f.list(ctx, adopted)
		}
		if err == nil {
			from, err = f.follow(ctx, from)
		}
		if ctx.Err() != nil {
			return nil
		}
		if expired(err) {
			log.FromContext(ctx).Info("The API server cannot replay every change since the checkpoint; what is stored now is recorded as following a gap", "since", from)
			from, adopted = "", v1alpha1.ReasonWatchGap
			continue
		}
		if err != nil {
			log.FromContext(ctx).Error(err, "Watching Deployments; trying again", "from", from)
		}
		if err := f.pause(ctx, retryPause); err != nil {
			return nil
		}
	}
}

// expired says whether the API server can no longer replay from where a watch wanted to start.
func expired(err error) bool {
	return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || apierrors.IsInvalid(err) ||
		apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge)
}

// list records what is stored now, as adopted, and returns the resourceVersion to follow from.
func (f *deploymentWatch) list(ctx context.Context, adopted string) (string, error) {
	options := metav1.ListOptions{Limit: listPage}
	var resourceVersion string
	for {
		page, err := f.deployments.List(ctx, options)
		if err != nil {
			return "", fmt.Errorf("listing Deployments: %w", err)
		}
		resourceVersion = page.GetResourceVersion()
		for i := range page.Items {
			f.offer(ctx, &page.Items[i], adopted)
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			f.ledger.track(resourceVersion, true)
			return resourceVersion, nil
		}
	}
}

// follow watches from a resourceVersion until the watch ends, and returns how far it came.
func (f *deploymentWatch) follow(ctx context.Context, from string) (string, error) {
	w, err := f.deployments.Watch(ctx, metav1.ListOptions{
		ResourceVersion: from, AllowWatchBookmarks: true, TimeoutSeconds: new(int64(watchSeconds)),
	})
	if err != nil {
		return from, fmt.Errorf("watching Deployments: %w", err)
	}
	defer w.Stop()
	for e := range w.ResultChan() {
		d, ok := e.Object.(*unstructured.Unstructured)
		switch {
		case e.Type == watch.Error:
			return from, apierrors.FromObject(e.Object)
		case !ok:
			return from, fmt.Errorf("watching Deployments: unexpected %T", e.Object)
		case e.Type == watch.Bookmark:
			f.ledger.track(d.GetResourceVersion(), true)
		case e.Type == watch.Deleted:
			delete(f.sights, types.NamespacedName{Namespace: d.GetNamespace(), Name: d.GetName()})
			f.ledger.track(d.GetResourceVersion(), true)
		default:
			f.offer(ctx, d, "")
		}
		from = d.GetResourceVersion()
	}
	return from, errors.Join(ctx.Err())
}

// offer enters a Deployment as it was stored, and hands it on if its intent is new.
func (f *deploymentWatch) offer(ctx context.Context, raw *unstructured.Unstructured, adopted string) {
	d := f.news(ctx, raw)
	if d == nil {
		if adopted == "" {
			f.ledger.track(raw.GetResourceVersion(), true)
		}
		return
	}
	// The items of a list are in no order of their own: the list's resourceVersion, which is entered after them,
	// stands for all, and nothing is settled before each is recorded.
	version := d.ResourceVersion
	if adopted != "" {
		version = ""
	}
	f.push(observedIntent{deployment: d, raw: raw, adopted: adopted, entry: f.ledger.track(version, false)})
}

// news is a Deployment that is to be recorded, nil where it is not.
func (f *deploymentWatch) news(ctx context.Context, raw *unstructured.Unstructured) *appsv1.Deployment {
	if !guarded(raw) || raw.GetDeletionTimestamp() != nil || !f.wanted(raw.GetNamespace()) {
		return nil
	}
	d, err := typed(raw)
	if err != nil {
		log.FromContext(ctx).Error(err, "This Deployment cannot be read, and is not recorded")
		return nil
	}
	if !f.sights.isNew(d) {
		return nil
	}
	return d
}
