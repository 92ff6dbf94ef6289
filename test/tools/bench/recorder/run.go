package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/tools/bench/rig"
)

// run measures and prints the tables to out; progress is told what goes on.
func run(ctx context.Context, out, progress io.Writer, s sizes) error {
	start := time.Now()
	if s.only != largeHistory {
		if err := on(ctx, progress, cluster.Options{}, func(st *stage) error { return costs(ctx, out, st, s) }); err != nil {
			return err
		}
	}
	if s.only != deploys {
		// Without controllers nothing else than Reprise and the API server works while memory is
		// measured.
		idle := cluster.Options{ControlPlaneOnly: true}
		if err := on(ctx, progress, idle, func(st *stage) error { return large(ctx, out, st, s) }); err != nil {
			return err
		}
	}
	fmt.Fprintf(progress, "measured in %s\n", time.Since(start).Round(time.Second))
	return nil
}

// on runs a measurement on a cluster of its own.
func on(ctx context.Context, progress io.Writer, o cluster.Options, measure func(*stage) error) (err error) {
	o.AuditPolicy = auditPolicy
	r, err := rig.Open(ctx, progress, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Cluster.Stop()) }()
	if err := measure(&stage{r}); err != nil {
		return r.Explain(err)
	}
	return nil
}

// costs measures what one deploy costs.
func costs(ctx context.Context, out io.Writer, st *stage, s sizes) error {
	if _, err := st.Start(ctx); err != nil {
		return err
	}
	began := time.Now()
	counted, err := st.requests(ctx, s)
	if err != nil {
		return err
	}
	idle, err := st.housekeeping(began)
	if err != nil {
		return err
	}
	printRequests(out, s, counted, idle)
	single, err := st.oneByOne(ctx, "single", s.singles)
	if err != nil {
		return err
	}
	burst, err := st.atOnce(ctx, "burst", s.burst, s.burstDeploys)
	if err != nil {
		return err
	}
	printLatency(out, []latency{single, burst})
	ways, parts, err := st.store(ctx, "single", s.stored)
	if err != nil {
		return err
	}
	printStorage(out, s, ways, parts)
	return nil
}

// large measures beside a large history.
func large(ctx context.Context, out io.Writer, st *stage, s sizes) error {
	if err := st.seed(ctx, s); err != nil {
		return err
	}
	used, err := st.memory(ctx, s)
	if err != nil {
		return err
	}
	printMemory(out, s, used)
	beside, err := st.oneByOne(ctx, "beside", min(s.singles, 50))
	if err != nil {
		return err
	}
	printLatency(out, []latency{beside})
	return nil
}
