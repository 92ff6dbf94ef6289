package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/test/harness/product"
	"reprise.dev/reprise/test/tools/bench/scorelike"
)

const (
	// seeders is how many workloads are copied side by side.
	seeders = 4
	// perNamespace is how many workloads a seeded namespace has.
	perNamespace = 50
	// pattern and patternNamespace are the workload that is copied. The copies' names are of the same
	// length.
	pattern          = "workload-00000"
	patternNamespace = "seeded-000"
)

// seed has Reprise record the history of one workload, makes its ReplicaSets and its pod, and
// copies all of it in etcd, byte by byte but for names, UIDs and the hash of the live intent. To
// have 50,000 deploys recorded would take an hour. Reprise does not run afterwards.
func (st *stage) seed(ctx context.Context, s sizes) error {
	for i := 0; i < s.workloads; i += perNamespace {
		settings := map[string]string{"reprise.dev/history-limit": fmt.Sprint(s.revisions)}
		if err := st.Namespace(ctx, seededNamespace(i), settings); err != nil {
			return err
		}
	}
	objects, err := st.recordPattern(ctx, s)
	if err != nil {
		return fmt.Errorf("recording the history that is copied: %w", err)
	}
	store := etcd{st.Cluster}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var done atomic.Int64
	began := time.Now()
	workqueue.ParallelizeUntil(ctx, seeders, s.workloads-1, func(i int) {
		if err := copyOriginals(ctx, store, objects, i+1); err != nil {
			stop(fmt.Errorf("copying workload %d: %w", i+1, err))
			return
		}
		if n := done.Add(1); n%500 == 0 {
			fmt.Fprintf(st.Progress, "copied %d of %d workloads in %s\n", n, s.workloads, time.Since(began).Round(time.Second))
		}
	})
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := st.caughtUp(ctx, s); err != nil {
		return err
	}
	return st.forgetCheckpoint(ctx)
}

// caughtUp waits until the API server's own cache holds all that was copied, and has it collect
// what that left.
func (st *stage) caughtUp(ctx context.Context, s sizes) error {
	fmt.Fprintln(st.Progress, "waiting for the API server")
	last := s.workloads - 1
	inLast := (last%perNamespace + 1) * s.revisions
	err := wait.PollUntilContextTimeout(ctx, time.Second, patience, true, func(ctx context.Context) (bool, error) {
		var cached v1alpha1.WorkloadRevisionList
		err := st.Deployer.List(ctx, &cached, client.InNamespace(seededNamespace(last)), &client.ListOptions{
			Raw: &metav1.ListOptions{ResourceVersion: "0"}, // Of any age: what the cache holds.
		})
		return len(cached.Items) == inLast, err
	})
	if err != nil {
		return fmt.Errorf("waiting for the API server to hold what was copied: %w", err)
	}
	_, err = st.ofCollectedAPIServer(ctx)
	return err
}

// forgetCheckpoint has the recorder look at every workload at its next start.
func (st *stage) forgetCheckpoint(ctx context.Context) error {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: product.Namespace, Name: checkpoint}}
	return client.IgnoreNotFound(st.Deployer.Delete(ctx, lease))
}

func seededNamespace(workload int) string { return fmt.Sprintf("seeded-%03d", workload/perNamespace) }

// recordPattern makes the workload that is copied and returns all of it as etcd holds it.
func (st *stage) recordPattern(ctx context.Context, s sizes) ([]original, error) {
	stop, err := st.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	w, err := st.watch(ctx, patternNamespace)
	if err != nil {
		return nil, err
	}
	defer w.stop()
	d, err := scorelike.Deployment(patternNamespace, pattern, 1, 1)
	if err == nil {
		err = st.create(ctx, d)
	}
	for n := 1; n <= s.revisions && err == nil; n++ {
		if n > 1 {
			err = st.deploy(ctx, d, n)
		}
		if err == nil {
			err = w.await(ctx, history.Name(pattern, int64(n)))
		}
	}
	if err != nil {
		return nil, err
	}
	if err := st.rollOut(ctx, d, s); err != nil {
		return nil, err
	}
	stop()
	live, err := st.pronounceHealthy(ctx, d, s.revisions)
	if err != nil {
		return nil, err
	}
	return st.originals(ctx, live)
}

// pronounceHealthy gives every revision of the workload the status of one that became Healthy, as
// Reprise, and returns the newest.
func (st *stage) pronounceHealthy(ctx context.Context, d *appsv1.Deployment, revisions int) (*v1alpha1.WorkloadRevision, error) {
	var newest *v1alpha1.WorkloadRevision
	for n := 1; n <= revisions; n++ {
		r, err := st.revision(ctx, d, int64(n))
		if err != nil {
			return nil, err
		}
		if err := store.PatchStatus(ctx, st.Own, r, func(s *v1alpha1.WorkloadRevisionStatus) { history.MarkHealthy(s, time.Now()) }); err != nil {
			return nil, err
		}
		if err := store.NoteTold(ctx, st.Own, r, v1alpha1.EventRevisionHealthy); err != nil {
			return nil, err
		}
		newest = r
	}
	return newest, nil
}
