package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history/gc"
	"reprise.dev/reprise/history/recorder"
	"reprise.dev/reprise/history/redact"
	"reprise.dev/reprise/rollback/guard"
)

// collectInterval is how often the revisions of deleted workloads are collected.
const collectInterval = 10 * time.Minute

// relieveInterval is how often the bounds of the history are checked. Until then, a namespace may
// exceed them by what can be deployed meanwhile.
const relieveInterval = 10 * time.Second

// setupControllers adds what only the leader runs.
func (p *process) setupControllers(ctx context.Context) error {
	policies := auditor{policies: p.policies, namespaces: p.namespaces}
	p.recorder = recorder.NewRecorder(&recorder.Recorder{
		Client: p.manager.GetClient(), Live: p.manager.GetAPIReader(), Dynamic: p.dynamic, Leases: p.clients.CoordinationV1(), Events: p.events,
		Auditor:  policies,
		Observer: p.metrics.Recording, Clock: clock.RealClock{}, Defaults: p.live.defaults, MaxPerMinute: p.live.maxPerMinute,
		Namespace: p.options.namespace, Protected: sets.New(p.config.ProtectedNamespaces...), Instance: v1alpha1.LeaseName,
	})
	files := &recorder.FileWatcher{Client: p.manager.GetClient(), Recorder: p.recorder, Clock: clock.RealClock{}}
	collector := &gc.Collector{
		Client: p.manager.GetClient(), Live: p.manager.GetAPIReader(), Clock: clock.RealClock{},
		Retain: p.live.retainDeleted, Every: collectInterval,
		Bounds: p.live.historyBounds, RelieveEvery: relieveInterval, Observer: p.metrics.Recording,
	}
	redactor := &redact.Reconciler{Client: p.manager.GetClient(), Live: p.manager.GetAPIReader(), Clock: clock.RealClock{}}
	guard := &guard.Reconciler{
		Client: p.manager.GetClient(), Live: p.manager.GetAPIReader(), Core: p.clients.CoreV1(), Namespaces: p.namespaces,
		Events: p.events, Observer: p.metrics.Rollback, Clock: clock.RealClock{}, Defaults: p.live.defaults,
		Changed: p.live.changed, MaxConcurrent: p.config.Rollback.MaxConcurrent,
		Auditor: policies, Requests: p.config.Rollback.Requests,
	}
	err := errors.Join(p.manager.Add(p.recorder), p.manager.Add(collector), files.SetupWithManager(p.manager), guard.SetupWithManager(ctx, p.manager),
		redactor.SetupWithManager(p.manager))
	if err != nil {
		return fmt.Errorf("adding the controllers: %w", err)
	}
	return nil
}
