package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
)

// trial is what was measured of workloads that failed in one way.
type trial struct {
	name  string
	all   []moments
	spent spent
}

// oneByOne times rollbacks of workloads that fail one after the other.
func (st *stage) oneByOne(ctx context.Context, number int, f failure, s sizes) (trial, error) {
	fmt.Fprintf(st.Progress, "timing %d rollbacks one after the other: %s\n", s.singles, f.name)
	namespaces := fmt.Sprintf("single-%d", number)
	pool, err := st.pool(ctx, namespaces, s.singles, f.before)
	if err != nil {
		return trial{}, err
	}
	before, err := spending()
	if err != nil {
		return trial{}, err
	}
	next := 0
	// A deploy is due every so often, whatever became of the one before: rollbacks take less.
	err = wait.PollUntilContextCancel(ctx, s.apart, true, func(ctx context.Context) (bool, error) {
		err := st.deploy(ctx, pool[next], 2, f.after)
		next++
		return next == len(pool), err
	})
	if err == nil {
		err = st.await(ctx, namespaces, v1alpha1.PhaseRolledBack, len(pool))
	}
	if err != nil {
		return trial{}, err
	}
	return st.trial(fmt.Sprintf("%s (%s)", f.name, f.class), pool, 2, before)
}

// nodeLabel is the one that the failing version of a wave waits for.
const nodeLabel = "bench.example.com/wave"

// atOnce times the rollbacks of workloads that fail at the same moment: their second version is
// deployed and recorded, and finds no node until one gets a label; then no pod finds its image.
func (st *stage) atOnce(ctx context.Context, pool []*appsv1.Deployment) (trial, error) {
	fmt.Fprintf(st.Progress, "deploying what is to fail at once to %d workloads\n", len(pool))
	err := together(ctx, pool, func(ctx context.Context, d *appsv1.Deployment) error {
		return st.deploy(ctx, d, 2, func(d *appsv1.Deployment) {
			missingImage(d)
			d.Spec.Template.Spec.NodeSelector = map[string]string{nodeLabel: "here"}
		})
	})
	if err == nil {
		err = st.await(ctx, wave, v1alpha1.PhaseProgressing, len(pool))
	}
	if err == nil {
		err = st.unscheduled(ctx, len(pool))
	}
	if err != nil {
		return trial{}, err
	}
	fmt.Fprintf(st.Progress, "letting %d workloads fail at once\n", len(pool))
	return st.wave(ctx, fmt.Sprintf("%d at once", len(pool)), pool, 2, func(ctx context.Context) error {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}}
		label, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": map[string]string{nodeLabel: "here"}}})
		if err != nil {
			return err
		}
		return st.Deployer.Patch(ctx, node, client.RawPatch(types.MergePatchType, label))
	})
}

// unscheduled waits until so many pods have no node.
func (st *stage) unscheduled(ctx context.Context, n int) error {
	return wait.PollUntilContextTimeout(ctx, time.Second, patience, true, func(ctx context.Context) (bool, error) {
		var pods metav1.PartialObjectMetadataList
		pods.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PodList"))
		err := st.Deployer.List(ctx, &pods, client.MatchingFields{"spec.nodeName": ""})
		return len(pods.Items) >= n, err
	})
}

// burst times the rollbacks of workloads that get a bad deploy all together, as fast as the API
// server takes it: Reprise records them meanwhile.
func (st *stage) burst(ctx context.Context, pool []*appsv1.Deployment) (trial, error) {
	fmt.Fprintf(st.Progress, "deploying what fails to %d workloads in a burst\n", len(pool))
	return st.wave(ctx, fmt.Sprintf("%d deployed in a burst", len(pool)), pool, 4, func(ctx context.Context) error {
		return together(ctx, pool, func(ctx context.Context, d *appsv1.Deployment) error {
			return st.deploy(ctx, d, 3, missingImage)
		})
	})
}

// wave is the beginning of the names of its namespaces.
const wave = "wave"

// wave lets a pool fail and waits until every workload has been put back from its revision of a
// number.
func (st *stage) wave(ctx context.Context, name string, pool []*appsv1.Deployment, number int64, fail func(context.Context) error) (trial, error) {
	before, err := spending()
	if err != nil {
		return trial{}, err
	}
	if err := fail(ctx); err != nil {
		return trial{}, err
	}
	if err := st.restored(ctx, pool); err != nil {
		return trial{}, err
	}
	// One revision in two was rolled back: each trial leaves as many.
	if err := st.await(ctx, wave, v1alpha1.PhaseRolledBack, len(pool)*int(number/2)); err != nil {
		return trial{}, err
	}
	return st.trial(name, pool, number, before)
}

// restored waits until no workload of a pool has a missing image any more. It asks the API server
// for nothing: that has enough to do.
func (st *stage) restored(ctx context.Context, pool []*appsv1.Deployment) error {
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		return !slices.ContainsFunc(pool, func(d *appsv1.Deployment) bool {
			live := latest(st.seen.of(client.ObjectKeyFromObject(d)))
			return live == nil || hasMissingImage(live)
		}), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %d workloads to be restored: %w", len(pool), err)
	}
	return nil
}

// trial gathers the moments of a pool's rollbacks, all of which are over, and what was spent since
// before them.
func (st *stage) trial(name string, pool []*appsv1.Deployment, number int64, before spent) (trial, error) {
	after, err := spending()
	if err != nil {
		return trial{}, err
	}
	calls, err := st.Calls()
	if err != nil {
		return trial{}, err
	}
	t := trial{name: name, spent: after.since(before)}
	books := accountsOf(calls)
	for _, d := range pool {
		key := client.ObjectKeyFromObject(d)
		m, err := momentsOf(key, number, before.at, st.seen.of(key), books[key])
		if err != nil {
			return t, err
		}
		t.all = append(t.all, m)
	}
	return t, nil
}
