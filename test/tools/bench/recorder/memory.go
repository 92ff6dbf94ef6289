package main

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/product"
	"reprise.dev/reprise/test/tools/bench/rig"
)

// checkpoint is the Lease in which the recorder keeps how far it came.
const checkpoint = "reprise-recorder"

// heapMetrics are how many garbage collections there were, and memory.live and memory.inUse.
var heapMetrics = []string{"go_gc_cycles_total_gc_cycles_total", "go_gc_heap_live_bytes", "go_memstats_heap_inuse_bytes"}

// memory is what Reprise takes beside a large history.
type memory struct {
	// live is Go's heap after a garbage collection, inUse what the runtime keeps for it.
	live, inUse int
	resident    rig.Memory
	// ready is how long Reprise took from its start until its caches were filled.
	ready time.Duration
	// apiServer is the API server's live heap.
	apiServer int
}

// memory starts Reprise beside the seeded history, waits until it has looked at all of it, and
// reads its memory.
func (st *stage) memory(ctx context.Context, s sizes) (memory, error) {
	var m memory
	began := time.Now()
	if err := st.startBesideMuch(ctx); err != nil {
		return m, err
	}
	m.ready = time.Since(began)
	if err := st.lookedAtAll(ctx); err != nil {
		return m, err
	}
	if err := st.unchanged(ctx, s); err != nil {
		return m, err
	}
	values, err := st.afterCollection(ctx, s.settle)
	if err != nil {
		return m, err
	}
	m.live, m.inUse = int(values[1]), int(values[2])
	own, err := rig.Reprise()
	if err != nil {
		return m, err
	}
	m.resident = own.Memory
	server, err := st.ofCollectedAPIServer(ctx, "go_gc_heap_live_bytes")
	if err != nil {
		return m, err
	}
	m.apiServer = int(server[0])
	return m, nil
}

// lookedAtAll returns when the recorder has listed every workload: it then saves its checkpoint.
func (st *stage) lookedAtAll(ctx context.Context) error {
	key := client.ObjectKey{Namespace: product.Namespace, Name: checkpoint}
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		err := st.Deployer.Get(ctx, key, &coordinationv1.Lease{})
		return err == nil, client.IgnoreNotFound(err)
	})
	if err != nil {
		return fmt.Errorf("waiting for the recorder's checkpoint: %w", err)
	}
	return nil
}

// unchanged makes sure that Reprise took the seeded history for its own.
func (st *stage) unchanged(ctx context.Context, s sizes) error {
	var some v1alpha1.WorkloadRevisionList
	if err := st.Deployer.List(ctx, &some, client.Limit(1)); err != nil {
		return fmt.Errorf("counting revisions: %w", err)
	}
	have, want := len(some.Items), s.workloads*s.revisions
	if some.RemainingItemCount != nil {
		have += int(*some.RemainingItemCount)
	}
	if have != want {
		return fmt.Errorf("there are %d revisions beside %d seeded ones: the figures would be those of something else", have, want)
	}
	return nil
}

// afterCollection waits, for so long at most, until the product has been calm for a while and then
// collects garbage, which Go does every two minutes even of a process that does nothing. It reads
// its heap.
func (st *stage) afterCollection(ctx context.Context, atMost time.Duration) ([]float64, error) {
	const calm = 10 * time.Second
	fmt.Fprintf(st.Progress, "waiting up to %s for a garbage collection\n", atMost)
	last, err := st.OfReprise(ctx, heapMetrics...)
	if err != nil {
		return nil, err
	}
	since := time.Now()
	err = wait.PollUntilContextTimeout(ctx, time.Second, atMost, false, func(ctx context.Context) (bool, error) {
		now, err := st.OfReprise(ctx, heapMetrics...)
		if err != nil || now[0] == last[0] {
			return false, err
		}
		quiet := time.Since(since) >= calm
		last, since = now, time.Now()
		return quiet, nil
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		err = nil
	}
	return last, err
}
