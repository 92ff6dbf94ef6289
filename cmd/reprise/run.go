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
	"go.uber.org/zap/zapcore"
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
	"reprise.dev/reprise/policy/sandbox"
)

const (
	// shutdownTimeout limits how long open requests may take while the process ends.
	shutdownTimeout = 5 * time.Second
	// maxStale is how long the namespace caches may be out of contact with the API server before their
	// data is unknown.
	maxStale = time.Minute
)

// process holds what the parts of the binary share.
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
	live       *liveConfig
	serving    *certificate.Serving
	drain      *drainer
}

// run sets everything up and runs until the context ends.
func run(ctx context.Context, o options) error {
	started, err := config.Load(o.config)
	if err != nil {
		return err
	}
	if err := setupLog(o.logFormat); err != nil {
		return err
	}
	setMemoryLimit(o.memoryLimit)
	p := process{
		options: o, config: started, metrics: metrics.New(),
		serving: &certificate.Serving{PropagationDelay: o.certificates.propagationDelay()}, drain: &drainer{delay: o.shutdownDelay},
	}
	for _, setup := range []func(context.Context) error{
		p.connect, p.checkSingleInstall, p.setupPolicies, p.setupConfig, p.setupIndexes, p.setupCertificate,
		p.setupAdmission, p.setupControllers, p.setupAudit, p.setupMetrics, p.setupProbes,
	} {
		if err := setup(ctx); err != nil {
			return err
		}
	}
	return p.manager.Start(p.drain.after(ctx))
}

// gcPercent is higher than Go's default of 100: with the cache of a cluster on the heap, garbage
// collection would otherwise cost each admission a tenth of its CPU.
const gcPercent = 300

// setMemoryLimit collects garbage less often if there is a limit, and more often near the limit.
func setMemoryLimit(limit int64) {
	if limit > 0 {
		debug.SetGCPercent(gcPercent)
		// The rest is for memory that Go does not manage, and for the process that tries policies.
		debug.SetMemoryLimit(max(limit/2, limit/10*9-sandbox.MaxMemory))
	}
}

func setupLog(format string) error {
	settings := zap.NewProductionConfig()
	if format == logText {
		settings = zap.NewDevelopmentConfig()
	}
	settings.Sampling = nil           // Every decision is logged.
	settings.DisableStacktrace = true // Errors are wrapped with their context; a panic has its own stack.
	logger, err := settings.Build(zap.WrapCore(func(core zapcore.Core) zapcore.Core { return maskedCore{core} }))
	if err != nil {
		return fmt.Errorf("setting up the log: %w", err)
	}
	ctrl.SetLogger(zapr.NewLogger(logger))
	return nil
}

// connect creates the clients and the caches.
func (p *process) connect(context.Context) error {
	api, err := restConfig(p.options.kubeconfig)
	if err != nil {
		return err
	}
	if p.manager, err = newManager(api, p.options, p.serving); err != nil {
		return err
	}
	if p.clients, err = kubernetes.NewForConfig(api); err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	if p.dynamic, err = dynamic.NewForConfig(api); err != nil {
		return fmt.Errorf("creating a dynamic client: %w", err)
	}
	if p.namespaces, err = namespaceinfo.New(api, maxStale, time.Now); err != nil {
		return err
	}
	if err := p.manager.Add(p.namespaces); err != nil {
		return fmt.Errorf("adding the namespace caches: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("reading the hostname for Events: %w", err)
	}
	p.events = emit.NewWriter(p.manager.GetClient(), host)
	return nil
}

// setupPolicies compiles the policies. A process whose policies do not compile does not start.
func (p *process) setupPolicies(ctx context.Context) error {
	builtin, err := policy.Builtin()
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding the program that compiles policies: %w", err)
	}
	p.policies = &policySet{
		clients: p.clients, namespace: p.options.namespace, events: p.events, builtin: builtin,
		log:     ctrl.Log.WithName("policies"),
		sandbox: sandbox.New(program, sandbox.Command),
		changed: make(chan controllerevent.GenericEvent, 1), wake: make(chan struct{}, 1), metrics: p.metrics,
	}
	if err := p.policies.setOverrides(ctx, p.config.Policies); err != nil {
		return err
	}
	if err := p.manager.Add(p.policies); err != nil {
		return fmt.Errorf("adding the policies: %w", err)
	}
	return nil
}

// setupIndexes indexes revisions by their workload, like the selectable field in the API server.
func (p *process) setupIndexes(ctx context.Context) error {
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

// setupProbes adds the liveness and readiness checks. The process is ready when the API server
// trusts its certificate, admission is served and the caches are synced; the policies were compiled
// before.
func (p *process) setupProbes(context.Context) error {
	synced := func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), time.Second)
		defer cancel()
		if !p.manager.GetCache().WaitForCacheSync(ctx) {
			return errors.New("the caches are not synced")
		}
		return nil
	}
	served := func(request *http.Request) error {
		if err := p.serving.Ready(request); err != nil {
			return err // The TLS handshake of the other check would fail and log an error.
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
