package main

import (
	"errors"
	"fmt"
	"time"

	certmanagerv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/internal/certificate"
	"reprise.dev/reprise/internal/version"
)

// cacheSyncTimeout limits how long the caches may take to sync before the process exits. A history
// of 50,000 revisions takes a minute, and several on a busy API server.
const cacheSyncTimeout = 10 * time.Minute

func restConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		c, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("loading the in-cluster configuration (outside a cluster, set --kubeconfig): %w", err)
		}
		return c, nil
	}
	c, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading --kubeconfig: %w", err)
	}
	return c, nil
}

func newManager(api *rest.Config, o options, serving *certificate.Serving) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme), certmanagerv1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("registering types: %w", err)
	}
	api.QPS, api.Burst = -1, 0 // The API server's priority and fairness limits the requests.
	manager, err := ctrl.NewManager(api, ctrl.Options{
		Scheme:                        scheme,
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              v1alpha1.LeaseName,
		LeaderElectionNamespace:       o.namespace,
		LeaderElectionReleaseOnCancel: true,
		LeaderElectionLabels:          map[string]string{version.Label: version.LabelValue(version.String())},
		Metrics:                       server.Options{BindAddress: o.metricsAddress},
		HealthProbeBindAddress:        o.healthAddress,
		PprofBindAddress:              o.pprofAddress,
		GracefulShutdownTimeout:       new(shutdownTimeout),
		Controller:                    ctrlconfig.Controller{CacheSyncTimeout: cacheSyncTimeout},
		WebhookServer: ctrlwebhook.NewServer(ctrlwebhook.Options{
			Host: o.webhookHost, Port: o.webhookPort, TLSOpts: serveCertificate(serving, o.clients),
		}),
		Client: client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Event{}}}},
		Cache: cache.Options{ByObject: certificateCache(o, map[client.Object]cache.ByObject{
			&corev1.Pod{}:                {Transform: trimPod},
			&corev1.Node{}:               {Transform: trimNode},
			&appsv1.Deployment{}:         {Transform: trimDeployment},
			&appsv1.ReplicaSet{}:         {Transform: trimReplicaSet},
			&v1alpha1.WorkloadRevision{}: {Transform: store.Trim},
		})},
	})
	if undefined(err) {
		return nil, fmt.Errorf("the CustomResourceDefinition workloadrevisions.reprise.dev is not installed, or has another version; helm upgrade restores it: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	return manager, nil
}

// undefined reports whether the API server does not know the kind of a revision. It lists its group
// for some moments after the definition is gone, and then finds no resource in it.
func undefined(err error) bool {
	kind, resource := &meta.NoKindMatchError{}, &meta.NoResourceMatchError{}
	return errors.As(err, &kind) && kind.GroupKind.Group == v1alpha1.GroupVersion.Group ||
		errors.As(err, &resource) && resource.PartialResource.Group == v1alpha1.GroupVersion.Group
}
