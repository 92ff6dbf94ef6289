package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
)

// leaseName is that of the leader's Lease; the recorder's checkpoint lies beside it.
const leaseName = "reprise"

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
		LeaderElectionID:              leaseName,
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
			&corev1.Pod{}:        {Transform: trimPod},
			&corev1.Node{}:       {Transform: trimNode},
			&appsv1.Deployment{}: {Transform: cache.TransformStripManagedFields()},
			&appsv1.ReplicaSet{}: {Transform: trimReplicaSet},
			&v1alpha1.Revision{}: {Transform: history.Trim},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	return manager, nil
}

// trimPod drops from a Pod what no judgement reads: a cache holds every Pod of the cluster.
func trimPod(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	pod.ManagedFields, pod.Annotations = nil, nil
	slim := corev1.PodSpec{NodeName: pod.Spec.NodeName}
	for _, list := range []struct{ from, to *[]corev1.Container }{
		{&pod.Spec.InitContainers, &slim.InitContainers}, {&pod.Spec.Containers, &slim.Containers},
	} {
		for _, c := range *list.from {
			*list.to = append(*list.to, corev1.Container{Name: c.Name, Image: c.Image, RestartPolicy: c.RestartPolicy})
		}
	}
	pod.Spec = slim
	return pod, nil
}

// trimNode leaves of a Node only whether it is ready.
func trimNode(object any) (any, error) {
	node, ok := object.(*corev1.Node)
	if !ok {
		return object, nil
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion},
		Status: corev1.NodeStatus{Conditions: slices.DeleteFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type != corev1.NodeReady
		})},
	}, nil
}

// trimReplicaSet leaves of a ReplicaSet without pods only what it is and whose: a workload keeps ten of them
// (revisionHistoryLimit), and only one that a rollout has scaled up is ever judged.
func trimReplicaSet(object any) (any, error) {
	set, ok := object.(*appsv1.ReplicaSet)
	if !ok {
		return object, nil
	}
	set.ManagedFields = nil
	if set.Spec.Replicas != nil && *set.Spec.Replicas == 0 && set.Status.Replicas == 0 {
		set.Labels, set.Annotations = nil, nil
		set.Spec, set.Status = appsv1.ReplicaSetSpec{Replicas: set.Spec.Replicas}, appsv1.ReplicaSetStatus{}
	}
	return set, nil
}
