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

// metering has the metrics served: those that are counted, and those that are read when Prometheus asks.
func (p *process) metering(ctx context.Context) error {
	census, err := p.census(ctx)
	if err != nil {
		return err
	}
	return p.metrics.Register(controllermetrics.Registry,
		metrics.State{Leads: p.leads, Census: census},
		metrics.Recorder{Leads: p.leads, Backlog: p.recorder.Backlog, Now: time.Now},
		metrics.PolicySet{Hash: func() string { return p.policies.engine.Load().Hash() }},
		metrics.Build(version.String(), commit()),
	)
}

// commit is what the binary was built from, as the Go toolchain stamped it: unknown where it did not.
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

// leads says whether this replica is the leader.
func (p *process) leads() bool {
	select {
	case <-p.manager.Elected():
		return true
	default:
		return false
	}
}

// census counts the Revisions in the cache, where they lie: a list would copy all of them at every scrape.
func (p *process) census(ctx context.Context) (func() history.Stats, error) {
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

// checkLoopback refuses an address that others than this machine, or pod, can reach: profiles show what the memory holds.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--pprof-bind-address: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("--pprof-bind-address must be on loopback, such as 127.0.0.1:6060: profiles show what the memory holds; reach it by kubectl port-forward")
	}
	return nil
}
