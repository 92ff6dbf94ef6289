package main

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
)

// recordings follow which revisions of a namespace have a phase.
type recordings struct {
	stop   func()
	events <-chan string
	seen   sets.Set[string]
}

func (st *stage) watch(ctx context.Context, namespace string) (*recordings, error) {
	ctx, stop := context.WithCancel(ctx)
	w, err := st.Deployer.Watch(ctx, &v1alpha1.WorkloadRevisionList{}, client.InNamespace(namespace))
	if err != nil {
		stop()
		return nil, fmt.Errorf("watching revisions: %w", err)
	}
	names := make(chan string)
	go func() {
		defer close(names)
		defer w.Stop()
		for e := range w.ResultChan() {
			r, ok := e.Object.(*v1alpha1.WorkloadRevision)
			if !ok || r.Status.Phase == "" {
				continue
			}
			select {
			case <-ctx.Done():
				return
			case names <- r.Name:
			}
		}
	}()
	return &recordings{stop: stop, events: names, seen: sets.New[string]()}, nil
}

// await returns when all the named revisions have had a phase.
func (w *recordings) await(ctx context.Context, names ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !w.seen.HasAll(names...) {
		select {
		case <-ctx.Done():
			missing := sets.New(names...).Difference(w.seen)
			return fmt.Errorf("%d of %d revisions are not recorded, such as %s: %w", len(missing), len(names), sets.List(missing)[0], ctx.Err())
		case name, open := <-w.events:
			if !open {
				return errors.New("the watch of revisions ended")
			}
			w.seen.Insert(name)
		}
	}
	return nil
}
