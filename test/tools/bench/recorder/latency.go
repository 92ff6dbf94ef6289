package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/test/tools/bench/rig"
	"reprise.dev/reprise/test/tools/bench/scorelike"
)

// deploysEach is how many deploys of one workload are timed one after the other: with the first one
// they stay below history.maxPerMinute, above which Reprise waits on purpose.
const deploysEach = 20

// latency are times by the API server's clock, sorted.
type latency struct {
	name string
	// recorded are from the completed deploy to the completed write that gives its revision a phase.
	recorded []time.Duration
	// baseline are those of bare creates of a ConfigMap of a revision's size, in the same manner and
	// run.
	baseline []time.Duration
	size     int
	// served is how long the API server worked on what Reprise sent for one deploy, in the mean.
	served time.Duration
}

// oneByOne times deploys of which each is recorded before the next one.
func (st *stage) oneByOne(ctx context.Context, namespace string, deploys int) (latency, error) {
	fmt.Fprintf(st.Progress, "timing %d deploys one after the other\n", deploys)
	pool, w, err := st.pool(ctx, namespace, (deploys+deploysEach-1)/deploysEach)
	if err != nil {
		return latency{}, err
	}
	defer w.stop()
	var sample string
	since := time.Now()
	for i := range deploys {
		d := pool[i%len(pool)]
		version := 2 + i/len(pool)
		if err := st.deploy(ctx, d, version); err != nil {
			return latency{}, err
		}
		if err := w.await(ctx, history.Name(d.Name, int64(version))); err != nil {
			return latency{}, err
		}
		if sample == "" {
			if sample, err = st.sample(ctx, d); err != nil {
				return latency{}, err
			}
		}
		if err := st.bare(ctx, namespace, fmt.Sprintf("bare-%d", i), sample); err != nil {
			return latency{}, err
		}
	}
	return st.times("one after the other", namespace, since, len(sample))
}

// atOnce times deploys of several workloads that are sent as fast as the API server takes them.
func (st *stage) atOnce(ctx context.Context, namespace string, workloads, each int) (latency, error) {
	fmt.Fprintf(st.Progress, "timing %d deploys of each of %d workloads at once\n", each, workloads)
	pool, w, err := st.pool(ctx, namespace, workloads)
	if err != nil {
		return latency{}, err
	}
	defer w.stop()
	var all []string
	for _, d := range pool {
		for i := range each {
			all = append(all, history.Name(d.Name, int64(2+i)))
		}
	}
	since := time.Now()
	err = together(pool, func(d *appsv1.Deployment) error {
		for i := range each {
			if err := st.deploy(ctx, d, 2+i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return latency{}, err
	}
	if err := w.await(ctx, all...); err != nil {
		return latency{}, err
	}
	sample, err := st.sample(ctx, pool[0])
	if err != nil {
		return latency{}, err
	}
	err = together(pool, func(d *appsv1.Deployment) error {
		for i := range each {
			if err := st.bare(ctx, namespace, fmt.Sprintf("bare-%s-%d", d.Name, i), sample); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return latency{}, err
	}
	return st.times(fmt.Sprintf("burst: %d workloads × %d", workloads, each), namespace, since, len(sample))
}

// together does something for every workload side by side and returns the first error.
func together(pool []*appsv1.Deployment, do func(*appsv1.Deployment) error) error {
	failures := make(chan error, len(pool))
	var group sync.WaitGroup
	for _, d := range pool {
		group.Go(func() { failures <- do(d) })
	}
	group.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

// pool makes workloads without pods, waits until they are recorded, and watches their namespace.
func (st *stage) pool(ctx context.Context, namespace string, n int) ([]*appsv1.Deployment, *recordings, error) {
	if err := st.Namespace(ctx, namespace, nil); err != nil {
		return nil, nil, err
	}
	w, err := st.watch(ctx, namespace)
	if err != nil {
		return nil, nil, err
	}
	var pool []*appsv1.Deployment
	var names []string
	for i := range n {
		d, err := scorelike.Deployment(namespace, fmt.Sprintf("w-%d", i), 0, 1)
		if err == nil {
			err = st.create(ctx, d)
		}
		if err != nil {
			w.stop()
			return nil, nil, fmt.Errorf("making a workload: %w", err)
		}
		pool, names = append(pool, d), append(names, history.Name(d.Name, 1))
	}
	if err := w.await(ctx, names...); err != nil {
		w.stop()
		return nil, nil, err
	}
	return pool, w, nil
}

// newest is a workload's newest revision.
func (st *stage) newest(ctx context.Context, namespace, name string) (*v1alpha1.WorkloadRevision, error) {
	h, err := store.List(ctx, st.Deployer, namespace, name)
	if err != nil {
		return nil, err
	}
	if len(h) == 0 {
		return nil, fmt.Errorf("%s/%s has no revision", namespace, name)
	}
	return h.Newest(), nil
}

// sample is a workload's newest revision as it travels.
func (st *stage) sample(ctx context.Context, d *appsv1.Deployment) (string, error) {
	r, err := st.newest(ctx, d.Namespace, d.Name)
	if err != nil {
		return "", err
	}
	encoded, err := json.Marshal(r)
	return string(encoded), err
}

// bare stores a ConfigMap with some content.
func (st *stage) bare(ctx context.Context, namespace, name, content string) error {
	return st.Deployer.Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string]string{"content": content},
	})
}

// times takes the times of a namespace's deploys since some time out of the audit log: the n-th
// deploy of a workload is its revision n, and the first write of a revision's status is the one
// that gives it a phase.
func (st *stage) times(name, namespace string, since time.Time, size int) (latency, error) {
	l := latency{name: name, size: size}
	calls, err := st.Calls()
	if err != nil {
		return l, err
	}
	deploys := map[string]int64{}
	stored, recorded := map[string]time.Time{}, map[string]time.Time{}
	slices.SortStableFunc(calls, func(a, b rig.Call) int { return a.Completed.Compare(b.Completed) })
	for _, c := range calls {
		switch {
		case c.Namespace != namespace:
		case c.User == rig.Account && c.Received.After(since):
			l.served += c.Completed.Sub(c.Received)
			if c.Resource == "workloadrevisions/status" && !c.Refused && recorded[c.Name].IsZero() {
				recorded[c.Name] = c.Completed
			}
		case c.Resource == "deployments":
			if deploys[c.Name]++; c.Received.After(since) { // The workload's making is not timed.
				stored[history.Name(c.Name, deploys[c.Name])] = c.Completed
			}
		case c.Resource == "configmaps" && strings.HasPrefix(c.Name, "bare-"):
			l.baseline = append(l.baseline, c.Completed.Sub(c.Received))
		}
	}
	for revision, at := range stored {
		if recorded[revision].IsZero() {
			return l, fmt.Errorf("the audit log knows no record of %s/%s", namespace, revision)
		}
		l.recorded = append(l.recorded, recorded[revision].Sub(at))
	}
	l.served /= time.Duration(len(l.recorded))
	slices.Sort(l.recorded)
	slices.Sort(l.baseline)
	return l, nil
}
