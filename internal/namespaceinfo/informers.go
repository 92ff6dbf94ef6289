package namespaceinfo

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"reprise.dev/reprise/effective"
)

// watched is the informer of a kind.
type watched struct {
	informer cache.SharedIndexInformer
	contact  *contact
}

// kinds returns the watched kinds.
func kinds() []effective.Kind {
	return append(inNamespaces[:], effective.KindNamespace, effective.KindRuntimeClass, effective.KindPriorityClass)
}

// New returns a cache of the objects of an API server. A kind is reported as unknown if it has been
// out of contact with the API server for longer than maxStale.
func New(config *rest.Config, maxStale time.Duration, now func() time.Time) (*Cache, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("creating a client: %w", err)
	}
	objects, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("creating a metadata client: %w", err)
	}
	core := client.CoreV1()
	everywhere := metav1.NamespaceAll
	configMaps := objects.Resource(corev1.SchemeGroupVersion.WithResource("configmaps"))
	names := &metav1.PartialObjectMetadata{}
	s := &Cache{maxStale: maxStale, now: now}
	s.kinds = map[effective.Kind]*watched{
		effective.KindNamespace:      watching(now, &corev1.Namespace{}, core.Namespaces().List, core.Namespaces().Watch),
		effective.KindLimitRange:     watching(now, &corev1.LimitRange{}, core.LimitRanges(everywhere).List, core.LimitRanges(everywhere).Watch),
		effective.KindResourceQuota:  watching(now, &corev1.ResourceQuota{}, core.ResourceQuotas(everywhere).List, core.ResourceQuotas(everywhere).Watch),
		effective.KindServiceAccount: watching(now, &corev1.ServiceAccount{}, core.ServiceAccounts(everywhere).List, core.ServiceAccounts(everywhere).Watch),
		effective.KindConfigMap:      watching(now, names, configMaps.List, configMaps.Watch),
		effective.KindRuntimeClass:   watching(now, &nodev1.RuntimeClass{}, client.NodeV1().RuntimeClasses().List, client.NodeV1().RuntimeClasses().Watch),
		effective.KindPriorityClass: watching(now, &schedulingv1.PriorityClass{},
			client.SchedulingV1().PriorityClasses().List, client.SchedulingV1().PriorityClasses().Watch),
	}
	return s, nil
}

// watching returns the informer of a kind with these list and watch calls.
func watching[L runtime.Object](now func() time.Time, kind runtime.Object,
	list func(context.Context, metav1.ListOptions) (L, error),
	open func(context.Context, metav1.ListOptions) (watch.Interface, error)) *watched {
	c := &contact{now: now}
	calls := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			objects, err := list(ctx, options)
			c.note(err)
			return objects, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			events, err := open(ctx, options)
			c.note(err)
			return events, err
		},
	}
	informer := cache.NewSharedIndexInformer(calls, kind, 0, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	// It only fails after the informer was started.
	_ = informer.SetTransform(trim)
	return &watched{informer: informer, contact: c}
}
