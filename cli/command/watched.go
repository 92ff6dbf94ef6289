package command

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/history/store"
)

// watched is a part of the cluster that watches keep up to date, also where the API server ends them or goes away.
type watched struct {
	client.Reader
	// changed is told of every change, once for all that come meanwhile.
	changed <-chan struct{}
	// troubles are told where the API server does not answer; it is asked again.
	troubles <-chan error
}

// watch keeps objects of some kinds up to date until the context ends. It returns once all are read, with an error
// where the caller may not watch them.
func (c *connection) watch(ctx context.Context, namespace string, kinds map[client.Object]cache.ByObject) (*watched, error) {
	// What the libraries would write between the lines is told by troubles.
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	changed, troubles := make(chan struct{}, 1), make(chan error, 1)
	options := cache.Options{
		Scheme: c.api.Scheme(), Mapper: c.api.RESTMapper(), ByObject: kinds, DefaultTransform: slim,
		ReaderFailOnMissingInformer: true,
		DefaultWatchErrorHandler:    func(_ context.Context, _ *toolscache.Reflector, err error) { tell(troubles, err) },
	}
	if namespace != "" {
		options.DefaultNamespaces = map[string]cache.Config{namespace: {}}
	}
	kept, err := cache.New(c.rest, options)
	if err != nil {
		return nil, explain(err, namespace)
	}
	notify := func() {
		select {
		case changed <- struct{}{}:
		default: // It is told already, and looked at once for all.
		}
	}
	handler := toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { notify() }, UpdateFunc: func(any, any) { notify() }, DeleteFunc: func(any) { notify() },
	}
	go func() { _ = kept.Start(ctx) }() // It ends with the context, and its error is that it was stopped.
	for kind := range kinds {
		informer, err := kept.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err == nil {
			_, err = informer.AddEventHandler(handler)
		}
		if err != nil {
			return nil, fmt.Errorf("watching: %w", explain(err, namespace))
		}
	}
	w := &watched{Reader: kept, changed: changed, troubles: troubles}
	return w, w.filled(ctx, kept, namespace)
}

// filled waits until all is read.
func (w *watched) filled(ctx context.Context, kept cache.Cache, namespace string) error {
	synced := make(chan bool, 1)
	go func() { synced <- kept.WaitForCacheSync(ctx) }()
	for {
		select {
		case <-synced:
			return ctx.Err()
		case err := <-w.troubles:
			if !passing(err) {
				return explain(err, namespace)
			}
		}
	}
}

// tell keeps the newest trouble. That a watch ended, or began too far in the past, is none: it is begun anew.
func tell(troubles chan error, err error) {
	if errors.Is(err, io.EOF) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		return
	}
	select {
	case troubles <- err:
	default:
	}
}

// lasting says whether an error of a watch will not pass by itself.
func lasting(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsNotFound(err) || meta.IsNoMatchError(err)
}

// slim drops what is not shown.
func slim(object any) (any, error) {
	if _, err := cache.TransformStripManagedFields()(object); err != nil {
		return nil, err
	}
	return store.Trim(object)
}
