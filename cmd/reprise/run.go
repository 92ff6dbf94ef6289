package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	controllerevent "sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/healthz"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event/emit"
	"reprise.dev/reprise/history/recorder"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/internal/certificate"
	"reprise.dev/reprise/internal/config"
	"reprise.dev/reprise/internal/metrics"
	"reprise.dev/reprise/internal/namespaceinfo"
	"reprise.dev/reprise/policy"
)

const (
	// drain is how long admission goes on while the process ends: the API server may still call.
	drain = 5 * time.Second
	// maxStale is how long the data of namespaces may lack contact with the API server before it counts as unknown.
	maxStale = time.Minute
)

// process is what the parts of the binary share.
type process struct {
	options    options
	config     config.Config
	manager    ctrl.Manager
	clients    kubernetes.Interface
	dynamic    dynamic.Interface
	events     *emit.Writer
	namespaces *namespaceinfo.Cache
	policies   *policySet
	metrics    *metrics.Metrics
	recorder   *recorder.Recorder
	settings   *settings
	serving    *certificate.Serving
	drain      *drainer
}

// run wires everything and runs until the context ends.
func run(ctx context.Context, o options) error {
	settings, err := config.Load(o.config)
	if err != nil {
		return err
	}
	if err := logTo(o.development); err != nil {
		return err
	}
	useMemory(o.memoryLimit)
	p := process{
		options: o, config: settings, metrics: metrics.New(),
		serving: &certificate.Serving{Settle: o.certificates.settle()}, drain: &drainer{delay: o.shutdownDelay},
	}
	for _, setup := range []func(context.Context) error{
		p.connect, p.alone, p.compile, p.follow, p.index, p.certificate, p.admission, p.controllers, p.audits, p.metering, p.probes,
	} {
		if err := setup(ctx); err != nil {
			return err
		}
	}
	return p.manager.Start(p.drain.after(ctx))
}

// lazyGarbage is how much more than what lives the heap may grow to before it is collected, in percent: beside a cache of
// a cluster, collecting costs each admission a tenth of its CPU otherwise.
const lazyGarbage = 300

// useMemory has garbage collected less often where a limit is known, and as often as it takes to stay below it.
func useMemory(limit int64) {
	if limit > 0 {
		debug.SetGCPercent(lazyGarbage)
		debug.SetMemoryLimit(limit / 10 * 9) // What is not Go's own heap needs room too.
	}
}

func logTo(development bool) error {
	settings := zap.NewProductionConfig()
	if development {
		settings = zap.NewDevelopmentConfig()
	}
	settings.Sampling = nil           // Each decision is told, also the hundred-and-first of a second.
	settings.DisableStacktrace = true // The error says what was being done; a panic brings its own.
	logger, err := settings.Build()
	if err != nil {
		return fmt.Errorf("starting the log: %w", err)
	}
	ctrl.SetLogger(zapr.NewLogger(logger))
	return nil
}

// connect makes the clients, and the caches that they fill.
func (p *process) connect(context.Context) error {
	api, err := restConfig(p.options.kubeconfig)
	if err != nil {
		return err
	}
	if p.manager, err = newManager(api, p.options, p.serving); err != nil {
		return err
	}
	if p.clients, err = kubernetes.NewForConfig(api); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if p.dynamic, err = dynamic.NewForConfig(api); err != nil {
		return fmt.Errorf("making a client of what the API server sends: %w", err)
	}
	if p.namespaces, err = namespaceinfo.New(api, maxStale, time.Now); err != nil {
		return err
	}
	if err := p.manager.Add(p.namespaces); err != nil {
		return fmt.Errorf("adding the data of namespaces: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("reading the host's name for events: %w", err)
	}
	p.events = emit.NewWriter(p.manager.GetClient(), host)
	return nil
}

// compile makes the policies ready: a process whose policies do not compile never serves.
func (p *process) compile(ctx context.Context) error {
	builtin, err := policy.Builtin()
	if err != nil {
		return err
	}
	p.policies = &policySet{
		clients: p.clients, namespace: p.options.namespace, events: p.events, builtin: builtin,
		log:     ctrl.Log.WithName("policies"),
		changed: make(chan controllerevent.GenericEvent, 1), wake: make(chan struct{}, 1), metrics: p.metrics,
	}
	if err := p.policies.use(ctx, p.config.Policies); err != nil {
		return err
	}
	if err := p.manager.Add(p.policies); err != nil {
		return fmt.Errorf("adding the policies: %w", err)
	}
	return nil
}

// index makes a workload's Revisions findable in the cache, as a selectable field does in the API server.
func (p *process) index(ctx context.Context) error {
	err := p.manager.GetFieldIndexer().IndexField(ctx, &v1alpha1.WorkloadRevision{}, store.WorkloadField, func(o client.Object) []string {
		if revision, ok := o.(*v1alpha1.WorkloadRevision); ok {
			return []string{revision.Spec.WorkloadRef.Name}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("indexing revisions (is the CustomResourceDefinition workloadrevisions.reprise.dev installed?): %w", err)
	}
	return nil
}

// probes says when the process lives and when it is ready: the API server trusts the certificate, admission is
// served, the policies were compiled before, and the caches are filled.
func (p *process) probes(context.Context) error {
	synced := func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), time.Second)
		defer cancel()
		if !p.manager.GetCache().WaitForCacheSync(ctx) {
			return errors.New("the caches are not filled yet")
		}
		return nil
	}
	served := func(request *http.Request) error {
		if err := p.serving.Ready(request); err != nil {
			return err // A handshake without a certificate would only be noise in the log.
		}
		return p.manager.GetWebhookServer().StartedChecker()(request)
	}
	err := errors.Join(
		p.manager.AddHealthzCheck("ping", healthz.Ping),
		p.manager.AddReadyzCheck("certificate", p.serving.Ready),
		p.manager.AddReadyzCheck("webhook", served),
		p.manager.AddReadyzCheck("caches", synced),
		p.manager.AddReadyzCheck("namespaces", p.namespaces.Ready),
	)
	if err != nil {
		return fmt.Errorf("adding probes: %w", err)
	}
	return nil
}
