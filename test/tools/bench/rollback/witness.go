package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/workload"
)

// observation is what a watch brought, and when.
type observation struct {
	at time.Time
	// resource is the object's: deployments, replicasets or pods.
	resource string
	object   client.Object
	gone     bool
}

// witness keeps every stored state of Deployments, ReplicaSets and Pods, by their workloads.
type witness struct {
	mu   sync.Mutex
	seen map[types.NamespacedName][]observation
}

// watch has a witness see everything until ctx is done. It asks for protobuf, or decoding would
// take a good part of the two cores.
func watch(ctx context.Context, config *rest.Config) (*witness, error) {
	config = rest.CopyConfig(config)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	w := &witness{seen: map[types.NamespacedName][]observation{}}
	factory := informers.NewSharedInformerFactoryWithOptions(clients, 0, informers.WithTransform(trim))
	for resource, informer := range map[string]cache.SharedIndexInformer{
		"deployments": factory.Apps().V1().Deployments().Informer(),
		"replicasets": factory.Apps().V1().ReplicaSets().Informer(),
		"pods":        factory.Core().V1().Pods().Informer(),
	} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { w.see(resource, object, false) },
			UpdateFunc: func(_, object any) { w.see(resource, object, false) },
			DeleteFunc: func(object any) { w.see(resource, object, true) },
		})
		if err != nil {
			return nil, fmt.Errorf("watching %s: %w", resource, err)
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	return w, ctx.Err()
}

// trim drops what no judgement reads.
func trim(object any) (any, error) {
	if o, err := meta.Accessor(object); err == nil {
		o.SetManagedFields(nil)
		if annotations := o.GetAnnotations(); annotations != nil {
			delete(annotations, workload.LastApplied)
		}
	}
	return object, nil
}

func (w *witness) see(resource string, object any, gone bool) {
	o, ok := object.(client.Object)
	if !ok {
		return // What is gone and was missed; this watch is never interrupted for so long.
	}
	name := o.GetLabels()["app.kubernetes.io/name"]
	if name == "" {
		return
	}
	key := types.NamespacedName{Namespace: o.GetNamespace(), Name: name}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[key] = append(w.seen[key], observation{at: time.Now(), resource: resource, object: o, gone: gone})
}

// of is what was seen of a workload.
func (w *witness) of(key types.NamespacedName) []observation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[key][:len(w.seen[key]):len(w.seen[key])]
}

// latest is the Deployment as it was seen last, nil where none was.
func latest(seen []observation) *appsv1.Deployment {
	for _, o := range slices.Backward(seen) {
		if d, ok := o.object.(*appsv1.Deployment); ok {
			return d
		}
	}
	return nil
}

// deadlineExceeded is when the Deployment's own deadline was seen to be over.
func deadlineExceeded(seen []observation) (time.Time, bool) {
	for _, o := range seen {
		d, ok := o.object.(*appsv1.Deployment)
		if !ok {
			continue
		}
		for _, c := range d.Status.Conditions {
			if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse && c.Reason == "ProgressDeadlineExceeded" {
				return o.at, true
			}
		}
	}
	return time.Time{}, false
}
