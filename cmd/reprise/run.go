package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/config"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/namespace"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/rollback"
	"reprise.dev/reprise/webhook"
)

// drain is how long admission goes on while the process ends: the API server may still call.
const drain = 5 * time.Second

// process is what the parts of the binary share.
type process struct {
	options options
	config  config.Config
	manager ctrl.Manager
	events  *event.Writer
	source  *namespace.Source
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
	api, err := restConfig(o.kubeconfig)
	if err != nil {
		return err
	}
	manager, err := newManager(api, o)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("reading the host's name for events: %w", err)
	}
	source, err := namespace.NewSource(ctx, manager.GetCache())
	if err != nil {
		return err
	}
	p := process{options: o, config: settings, manager: manager, events: event.NewWriter(manager.GetClient(), host), source: source}
	for _, setup := range []func(context.Context) error{p.index, p.admission, p.controllers, p.probes} {
		if err := setup(ctx); err != nil {
			return err
		}
	}
	return manager.Start(ctx)
}

func logTo(development bool) error {
	settings := zap.NewProductionConfig()
	if development {
		settings = zap.NewDevelopmentConfig()
	}
	logger, err := settings.Build()
	if err != nil {
		return fmt.Errorf("starting the log: %w", err)
	}
	ctrl.SetLogger(zapr.NewLogger(logger))
	return nil
}

func restConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		c, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("not in a cluster; name a kubeconfig by --kubeconfig: %w", err)
		}
		return c, nil
	}
	c, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading --kubeconfig: %w", err)
	}
	return c, nil
}

func newManager(api *rest.Config, o options) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("registering types: %w", err)
	}
	api.QPS, api.Burst = -1, 0 // The API server's own fairness is the limit.
	manager, err := ctrl.NewManager(api, ctrl.Options{
		Scheme:                        scheme,
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              "reprise",
		LeaderElectionNamespace:       o.namespace,
		LeaderElectionReleaseOnCancel: true,
		Metrics:                       server.Options{BindAddress: o.metricsAddress},
		HealthProbeBindAddress:        o.healthAddress,
		GracefulShutdownTimeout:       new(drain),
		WebhookServer: ctrlwebhook.NewServer(ctrlwebhook.Options{
			Host: o.webhookHost, Port: o.webhookPort, CertDir: o.certDirectory,
			CertName: filepath.Base(o.certFile), KeyName: filepath.Base(o.keyFile),
		}),
		Client: client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Event{}}}},
		Cache: cache.Options{ByObject: map[client.Object]cache.ByObject{
			&corev1.Pod{}:        {Transform: cache.TransformStripManagedFields()},
			&appsv1.ReplicaSet{}: {Transform: cache.TransformStripManagedFields()},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	return manager, nil
}

// index makes a workload's Revisions findable in the cache, as a selectable field does in the API server.
func (p process) index(ctx context.Context) error {
	err := p.manager.GetFieldIndexer().IndexField(ctx, &v1alpha1.Revision{}, history.WorkloadField, func(o client.Object) []string {
		if revision, ok := o.(*v1alpha1.Revision); ok {
			return []string{revision.Spec.Workload.Name}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("indexing revisions (is the CustomResourceDefinition revisions.reprise.dev installed?): %w", err)
	}
	return nil
}

// admission registers both phases of the webhook.
func (p process) admission(ctx context.Context) error {
	modules, err := policy.Builtin()
	if err != nil {
		return err
	}
	engine, err := policy.New(ctx, modules, policy.DefaultLimits())
	if err != nil {
		return err
	}
	username, err := p.username(ctx)
	if err != nil {
		return err
	}
	refusals := webhook.NewRefusals(p.events, ctrl.Log.WithName("admission"))
	if err := p.manager.Add(refusals); err != nil {
		return fmt.Errorf("adding the teller of refusals: %w", err)
	}
	for path, phase := range map[string]policy.Phase{webhook.EarlyPath: policy.Early, webhook.ValidatePath: policy.Final} {
		handler, err := webhook.NewHandler(phase, webhook.Config{
			Policies:      engine,
			Namespaces:    p.source,
			Revisions:     revisions{cached: p.manager.GetClient(), live: p.manager.GetAPIReader()},
			Refusals:      refusals,
			FailurePolicy: admissionregistrationv1.FailurePolicyType(p.config.FailurePolicy),
			Username:      username,
			Defaults:      p.config.Defaults,
			Now:           time.Now,
			Log:           ctrl.Log.WithName("admission"),
		})
		if err != nil {
			return err
		}
		p.manager.GetWebhookServer().Register(path, handler)
	}
	return nil
}

// username asks the API server who this process is: its own writes are known by it.
func (p process) username(ctx context.Context) (string, error) {
	clients, err := kubernetes.NewForConfig(p.manager.GetConfig())
	if err != nil {
		return "", fmt.Errorf("making a client: %w", err)
	}
	review, err := clients.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("asking the API server who this process is: %w", err)
	}
	return review.Status.UserInfo.Username, nil
}

// controllers registers what only the leader does.
func (p process) controllers(context.Context) error {
	clients, err := kubernetes.NewForConfig(p.manager.GetConfig())
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	recorder := &history.Recorder{
		Client: p.manager.GetClient(), Live: p.manager.GetAPIReader(), Events: p.events,
		Clock: clock.RealClock{}, Started: time.Now(), Defaults: p.config.Defaults,
	}
	if err := recorder.SetupWithManager(p.manager); err != nil {
		return fmt.Errorf("setting up the recorder: %w", err)
	}
	guard := &rollback.Reconciler{
		Client: p.manager.GetClient(), Live: p.manager.GetAPIReader(), Pods: clients.CoreV1(), Namespaces: p.source,
		Events: p.events, Clock: clock.RealClock{}, Defaults: p.config.Defaults,
	}
	if err := guard.SetupWithManager(p.manager); err != nil {
		return fmt.Errorf("setting up the rollback: %w", err)
	}
	return nil
}

// probes says when the process lives and when it is ready: the certificate is loaded and admission served, the
// policies were compiled before, and the caches are filled.
func (p process) probes(context.Context) error {
	synced := func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), time.Second)
		defer cancel()
		if !p.manager.GetCache().WaitForCacheSync(ctx) {
			return errors.New("the caches are not filled yet")
		}
		return nil
	}
	err := errors.Join(
		p.manager.AddHealthzCheck("ping", healthz.Ping),
		p.manager.AddReadyzCheck("webhook", p.manager.GetWebhookServer().StartedChecker()),
		p.manager.AddReadyzCheck("caches", synced),
	)
	if err != nil {
		return fmt.Errorf("adding probes: %w", err)
	}
	return nil
}
