package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"time"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	controllermetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/internal/metrics"
	"reprise.dev/reprise/internal/version"
)

// setupMetrics registers the metrics: counters, and those that are computed when Prometheus
// scrapes.
func (p *process) setupMetrics(ctx context.Context) error {
	stats, err := p.revisionStats(ctx)
	if err != nil {
		return err
	}
	return p.metrics.Register(controllermetrics.Registry,
		metrics.State{Leads: p.leads, Stats: stats},
		metrics.Recorder{Leads: p.leads, Backlog: p.recorder.Backlog, Now: time.Now},
		metrics.PolicySet{Hash: func() string { return p.policies.engine.Load().Hash() }},
		metrics.Build(version.String(), commit()),
	)
}

// commit returns the commit that the Go toolchain stamped into the binary, or "unknown".
func commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return "unknown"
}

// leads reports whether this replica is the leader.
func (p *process) leads() bool {
	select {
	case <-p.manager.Elected():
		return true
	default:
		return false
	}
}

// revisionStats returns a function that counts the revisions in the cache. It does not list them,
// since a list would copy all of them at every scrape.
func (p *process) revisionStats(ctx context.Context) (func() history.Stats, error) {
	informer, err := p.manager.GetCache().GetInformer(ctx, &v1alpha1.WorkloadRevision{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("finding the cache of revisions: %w", err)
	}
	shared, ok := informer.(toolscache.SharedIndexInformer)
	if !ok {
		return nil, fmt.Errorf("finding the cache of revisions: %T has no store", informer)
	}
	return func() history.Stats {
		stored := shared.GetStore().List()
		return history.Count(func(yield func(*v1alpha1.WorkloadRevision) bool) {
			for _, object := range stored {
				if r, ok := object.(*v1alpha1.WorkloadRevision); ok && !yield(r) {
					return
				}
			}
		}, time.Now())
	}, nil
}

// checkLoopback returns an error unless an address is on loopback, because profiles show the
// content of the memory.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--pprof-bind-address: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("--pprof-bind-address must be on loopback, such as 127.0.0.1:6060: profiles show the content of the memory; use kubectl port-forward")
	}
	return nil
}
