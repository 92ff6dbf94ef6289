package watch

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/story"
)

const (
	// settle is how long Status rests between two snapshots, so that a storm of changes makes one.
	settle = 100 * time.Millisecond
	// namespacesEvery is how often the annotations of namespaces are read again: callers can seldom
	// watch them.
	namespacesEvery = 30 * time.Second
)

// StatusOptions say what Status follows.
type StatusOptions struct {
	// Namespace is where, empty for all namespaces.
	Namespace string
	// Name is the one workload to follow, empty for all.
	Name string
	// Every is how often to hand out a snapshot although nothing changed, so that ages move on. 0 is
	// never.
	Every time.Duration
}

// Snapshot is what is known of workloads at one time.
type Snapshot struct {
	// Workloads are ordered by namespace and name. Those that are gone are among them as long as their
	// history is kept.
	Workloads []story.Workload
	// Err is why the snapshot may be old: the API server does not answer, and the watch is retried. It
	// is nil again with the next change.
	Err error
}

// Status hands out a snapshot at the beginning and after each change, until the context ends or
// show returns an error.
func Status(ctx context.Context, c *cluster.Connection, o StatusOptions, show func(Snapshot) error) error {
	kinds, withEvents := statusKinds(o.Name), cluster.MayReadEvents(ctx, c.API, o.Namespace)
	if withEvents {
		kinds[&corev1.Event{}] = cache.ByObject{Field: cluster.EventSelector(o.Name)}
	}
	live, err := newInformer(ctx, c, o.Namespace, kinds)
	if err != nil {
		return unlessOver(ctx, err)
	}
	return unlessOver(ctx, followStatus(ctx, live, cluster.NewCachedWorkloads(c, live, withEvents), o, show))
}

func followStatus(ctx context.Context, live *informer, workloads *cluster.Workloads, o StatusOptions, show func(Snapshot) error) error {
	var again <-chan time.Time
	if o.Every > 0 {
		ticker := time.NewTicker(o.Every)
		defer ticker.Stop()
		again = ticker.C
	}
	namespaces := time.NewTicker(namespacesEvery)
	defer namespaces.Stop()
	var snapshot Snapshot
	for {
		var err error
		if snapshot.Workloads, err = workloads.ListWithEvents(ctx, o.Namespace); err != nil {
			return err
		}
		if err := show(snapshot); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-live.changed:
			snapshot.Err = nil
		case err := <-live.errors:
			if cluster.Permanent(err) {
				return cluster.Explain(err, o.Namespace)
			}
			snapshot.Err = err
		case <-namespaces.C:
			workloads.ForgetNamespaces()
		case <-again:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(settle):
		}
	}
}
