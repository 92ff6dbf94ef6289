package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/tools/bench/rig"
)

// run measures and prints the tables to out; progress is told what goes on.
func run(ctx context.Context, out, progress io.Writer, s sizes) (err error) {
	folder, err := os.MkdirTemp("", "reprise-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	began := time.Now()
	r, err := rig.Open(ctx, progress, cluster.Options{AuditPolicy: auditPolicy})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Cluster.Stop()) }()
	watching, stop := context.WithCancel(ctx)
	defer stop()
	seen, err := watch(watching, r.Cluster.RESTConfig())
	if err != nil {
		return err
	}
	st := &stage{Rig: r, seen: seen}
	if err := st.measure(ctx, out, folder, s); err != nil {
		return r.Explain(err)
	}
	fmt.Fprintf(progress, "measured in %s\n", time.Since(began).Round(time.Second))
	return nil
}

// measure measures everything; what takes minutes by itself runs beside the rest.
func (st *stage) measure(ctx context.Context, out io.Writer, folder string, s sizes) error {
	if _, err := st.Start(ctx); err != nil {
		return err
	}
	others := st.baselines(ctx, folder, s)
	var singles []trial
	for i, f := range failures() {
		if s.singles == 0 {
			break
		}
		t, err := st.oneByOne(ctx, i, f, s)
		if err != nil {
			return err
		}
		singles = append(singles, t)
	}
	var waves []trial
	if s.wave > 0 {
		var err error
		if waves, err = st.waves(ctx, s); err != nil {
			return err
		}
	}
	baselines, err := others()
	if err != nil {
		return err
	}
	printSpeed(out, append(singles, waves...))
	printSplit(out, append(singles, waves...))
	printRequests(out, append(singles, waves...))
	printWaves(out, waves)
	printSpent(out, append(singles, waves...))
	printBaselines(out, singles, baselines)
	return nil
}

// waves lets the same workloads fail at once and then in a burst of deploys.
func (st *stage) waves(ctx context.Context, s sizes) ([]trial, error) {
	fmt.Fprintf(st.Progress, "making %d workloads\n", s.wave)
	pool, err := st.pool(ctx, wave, s.wave, nil)
	if err != nil {
		return nil, err
	}
	once, err := st.atOnce(ctx, pool)
	if err != nil {
		return nil, err
	}
	// What was put back must be Healthy before the next deploy, or that would replace it without a
	// verdict.
	if err := st.await(ctx, wave, v1alpha1.PhaseHealthy, 2*s.wave); err != nil {
		return nil, err
	}
	burst, err := st.burst(ctx, pool)
	return []trial{once, burst}, err
}
