package main

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"reprise.dev/reprise/test/harness/product"
	"reprise.dev/reprise/test/tools/bench/rig"
	"reprise.dev/reprise/test/tools/bench/scorelike"
)

// patience bounds every wait for what Reprise is to do.
const patience = 2 * time.Minute

// step is one thing that happens to a workload. One without a name only leads to the next.
type step struct {
	name string
	act  func(context.Context, *appsv1.Deployment) error
	// done says whether Reprise, or the cluster, has done what follows.
	done func(context.Context, *appsv1.Deployment) (bool, error)
}

// counted are the requests that Reprise sent for a step, by verb and resource, over all workloads
// of the step.
type counted struct {
	step   string
	calls  map[string]int
	writes int
	all    int
}

// requests counts what Reprise sends for each step of a deploy's life.
func (st *stage) requests(ctx context.Context, s sizes) ([]counted, error) {
	var all []counted
	for _, life := range []struct {
		namespace string
		settings  map[string]string
		replicas  int32
		steps     []step
	}{
		{"not-evaluated", map[string]string{"reprise.dev/history-limit": "2"}, 0, []step{
			{"a first deploy, recorded", st.create, st.recorded(1)},
			{"a deploy that replaces one without a verdict", st.change(2), st.recorded(2)},
			{"", st.change(3), st.recorded(3)}, // To the limit: whether this one prunes depends on a cache.
			{"the same, beyond the history limit", st.change(4), st.pruned(4, 1)},
		}},
		{"judged", map[string]string{"reprise.dev/bake-time": "2s"}, 1, []step{
			{"a first deploy, until it is Healthy", st.create, st.healthy(1)},
			{"a deploy that replaces a healthy one, until it is Healthy", st.change(2), st.healthy(2)},
			{"a re-apply of something unchanged, by another manager", st.reapply, st.always},
			{"`kubectl scale` to 2", st.scale(2), st.available(2)},
		}},
	} {
		if err := st.Namespace(ctx, life.namespace, life.settings); err != nil {
			return nil, err
		}
		var pool []*appsv1.Deployment
		for i := range s.perStep {
			d, err := scorelike.Deployment(life.namespace, fmt.Sprintf("w-%d", i), life.replicas, 1)
			if err != nil {
				return nil, err
			}
			pool = append(pool, d)
		}
		for _, next := range life.steps {
			c, err := st.count(ctx, life.namespace, next, pool, s.quiet)
			if err != nil {
				return nil, fmt.Errorf("counting the requests of %q: %w", next.name, err)
			}
			if next.name != "" {
				fmt.Fprintf(st.Progress, "%d requests for %d times %s\n", c.all, len(pool), next.name)
				all = append(all, c)
			}
		}
	}
	return all, nil
}

// count takes every workload one step on and counts what Reprise sends until it is silent.
func (st *stage) count(ctx context.Context, namespace string, next step, pool []*appsv1.Deployment, quiet time.Duration) (counted, error) {
	since := time.Now()
	for _, d := range pool {
		if err := next.act(ctx, d); err != nil {
			return counted{}, err
		}
	}
	for _, d := range pool {
		err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
			return next.done(ctx, d)
		})
		if err != nil {
			return counted{}, fmt.Errorf("waiting for %s: %w", d.Name, err)
		}
	}
	last, changed := counted{}, time.Now()
	for time.Since(changed) < quiet {
		if err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, time.Second, false, pass); err != nil {
			return counted{}, err
		}
		now, err := st.sent(next.name, namespace, since)
		if err != nil {
			return counted{}, err
		}
		if now.all != last.all {
			last, changed = now, time.Now()
		}
	}
	last.step = next.name
	return last, nil
}

func pass(context.Context) (bool, error) { return true, nil }

// sent are the requests of Reprise about a namespace since a time.
func (st *stage) sent(name, namespace string, since time.Time) (counted, error) {
	calls, err := st.Calls()
	if err != nil {
		return counted{}, err
	}
	c := counted{step: name, calls: map[string]int{}}
	for _, call := range calls {
		if call.User != rig.Account || call.Namespace != namespace || call.Received.Before(since) {
			continue
		}
		c.calls[call.Verb+" "+call.Resource]++
		c.all++
		if call.Write() {
			c.writes++
		}
	}
	return c, nil
}

// housekeeping is how many requests a minute Reprise sends for its Leases since a time, whatever is
// deployed.
func (st *stage) housekeeping(since time.Time) (float64, error) {
	c, err := st.sent("", product.Namespace, since)
	return float64(c.all) / time.Since(since).Minutes(), err
}
