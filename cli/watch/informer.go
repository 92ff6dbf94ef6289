// Package watch follows workloads, the logs of their pods, and the answers to requests, with the
// caller's own rights.
//
// It hands out values by callbacks and knows nothing of terminals and command lines: its callers
// are commands and pages.
package watch

import (
	"context"
	"errors"
	"fmt"
	"io"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/history/store"
)

// informer holds a part of the cluster that watches keep up to date, also when the API server ends
// them or goes away.
type informer struct {
	client.Reader
	// changed hears of changes, once for all that come before it is read.
	changed <-chan struct{}
	// errors hears that the API server does not answer. The watch is retried.
	errors <-chan error
}

// newInformer keeps objects of some kinds up to date until the context ends. It returns once all
// are read, with an error where the caller may not watch them.
func newInformer(ctx context.Context, c *cluster.Connection, namespace string, kinds map[client.Object]cache.ByObject) (*informer, error) {
	changed, failures := make(chan struct{}, 1), make(chan error, 1)
	options := cache.Options{
		Scheme: c.API.Scheme(), Mapper: c.API.RESTMapper(), ByObject: kinds, DefaultTransform: trim,
		ReaderFailOnMissingInformer: true,
		DefaultWatchErrorHandler:    func(_ context.Context, _ *toolscache.Reflector, err error) { report(failures, err) },
	}
	if namespace != "" {
		options.DefaultNamespaces = map[string]cache.Config{namespace: {}}
	}
	objects, err := cache.New(c.Config, options)
	if err != nil {
		return nil, cluster.Explain(err, namespace)
	}
	handler := toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { notify(changed) }, UpdateFunc: func(any, any) { notify(changed) }, DeleteFunc: func(any) { notify(changed) },
	}
	go func() { _ = objects.Start(ctx) }() // It ends with the context, and its error is that it was stopped.
	for kind := range kinds {
		kept, err := objects.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err == nil {
			_, err = kept.AddEventHandler(handler)
		}
		if err != nil {
			return nil, fmt.Errorf("watching: %w", cluster.Explain(err, namespace))
		}
	}
	i := &informer{Reader: objects, changed: changed, errors: failures}
	return i, i.sync(ctx, objects, namespace)
}

// sync waits until all is read.
func (i *informer) sync(ctx context.Context, objects cache.Cache, namespace string) error {
	synced := make(chan bool, 1)
	go func() { synced <- objects.WaitForCacheSync(ctx) }()
	for {
		select {
		case <-synced:
			return ctx.Err()
		case err := <-i.errors:
			if !cluster.Temporary(err) {
				return cluster.Explain(err, namespace)
			}
		}
	}
}

// notify says that something changed. A reader who has not heard of earlier changes yet hears of
// all at once.
func notify(changed chan<- struct{}) {
	select {
	case changed <- struct{}{}:
	default:
	}
}

// report hands on an error of a watch. A watch that ended, or began too far in the past, is
// restarted and no error.
func report(failures chan<- error, err error) {
	if errors.Is(err, io.EOF) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		return
	}
	select {
	case failures <- err:
	default:
	}
}

// trim drops fields that nobody is shown.
func trim(object any) (any, error) {
	if _, err := cache.TransformStripManagedFields()(object); err != nil {
		return nil, err
	}
	return store.Trim(object)
}

// statusKinds returns the kinds that a status is made of: those of one workload, or of all where
// there is no name.
func statusKinds(name string) map[client.Object]cache.ByObject {
	var deployment, revisions cache.ByObject
	if name != "" {
		deployment.Field = fields.OneTermEqualSelector(metav1.ObjectNameField, name)
		revisions.Field = fields.OneTermEqualSelector(store.WorkloadField, name)
	}
	return map[client.Object]cache.ByObject{&appsv1.Deployment{}: deployment, &v1alpha1.WorkloadRevision{}: revisions}
}

// unlessOver returns an error, but nil where the context is over: that is how a watch ends.
func unlessOver(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
