// Package namespaceinfo caches the namespace data that package effective needs, so that computing
// an effective pod costs no call to the API server.
//
// It needs list and watch on namespaces, limitranges, resourcequotas, serviceaccounts, configmaps
// (metadata only), runtimeclasses (node.k8s.io) and priorityclasses (scheduling.k8s.io).
package namespaceinfo

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/cache"

	"reprise.dev/reprise/effective"
)

// Cache caches the objects of several kinds. It reports a kind as unknown if its cache has not
// synced, or has been out of contact with the API server for too long.
type Cache struct {
	kinds    map[effective.Kind]*watched
	maxStale time.Duration
	now      func() time.Time
}

// inNamespaces has the namespaced kinds.
var inNamespaces = [...]effective.Kind{
	effective.KindLimitRange, effective.KindResourceQuota, effective.KindServiceAccount, effective.KindConfigMap,
}

// Start runs the caches until ctx is done.
func (s *Cache) Start(ctx context.Context) error {
	var group sync.WaitGroup
	for _, w := range s.kinds {
		group.Go(func() { w.informer.RunWithContext(ctx) })
	}
	group.Wait()
	return nil
}

// NeedLeaderElection returns false: every replica serves admission and needs the data.
func (s *Cache) NeedLeaderElection() bool { return false }

// Ready returns an error until every cache has synced. It is a readiness check.
func (s *Cache) Ready(*http.Request) error {
	for _, kind := range kinds() {
		if !s.kinds[kind].informer.HasSynced() {
			return fmt.Errorf("%s objects have not been listed yet", kind)
		}
	}
	return nil
}

// For returns the data of a namespace from the caches. Callers must not change the objects.
func (s *Cache) For(_ context.Context, namespace string) effective.Namespace {
	ns := effective.Namespace{Name: namespace, Unknown: s.unknown()}
	if found := s.namespace(namespace); found != nil {
		ns.Labels = found.Labels
	} else {
		// The caches may lack the objects of a new namespace too.
		reason := fmt.Sprintf("Namespace %s is not in the cache yet", namespace)
		for _, kind := range append(inNamespaces[:], effective.KindNamespace) {
			if _, known := ns.Unknown[kind]; !known {
				ns.Unknown[kind] = reason
			}
		}
		return ns
	}
	ns.LimitRanges = inNamespace[*corev1.LimitRange](s.kinds[effective.KindLimitRange], namespace)
	ns.ResourceQuotas = inNamespace[*corev1.ResourceQuota](s.kinds[effective.KindResourceQuota], namespace)
	ns.ServiceAccounts = inNamespace[*corev1.ServiceAccount](s.kinds[effective.KindServiceAccount], namespace)
	ns.ConfigMaps = s.kinds[effective.KindConfigMap].names(namespace)
	ns.RuntimeClasses = all[*nodev1.RuntimeClass](s.kinds[effective.KindRuntimeClass])
	ns.PriorityClasses = all[*schedulingv1.PriorityClass](s.kinds[effective.KindPriorityClass])
	return ns
}

// Annotations returns the annotations of a namespace; nil if it is unknown.
func (s *Cache) Annotations(_ context.Context, namespace string) map[string]string {
	if found := s.namespace(namespace); found != nil {
		return found.Annotations
	}
	return nil
}

func (s *Cache) namespace(name string) *corev1.Namespace {
	object, _, err := s.kinds[effective.KindNamespace].informer.GetStore().GetByKey(name)
	if found, ok := object.(*corev1.Namespace); ok && err == nil {
		return found
	}
	return nil
}

// unknown returns the kinds whose data is unknown, with the reason.
func (s *Cache) unknown() map[effective.Kind]string {
	unknown := map[effective.Kind]string{}
	for kind, w := range s.kinds {
		if !w.informer.HasSynced() {
			unknown[kind] = fmt.Sprintf("%s objects have not been listed yet", kind)
			continue
		}
		if since, lost := w.contact.lostSince(); lost && s.now().Sub(since) > s.maxStale {
			unknown[kind] = fmt.Sprintf("%s objects could not be read since %s", kind, since.UTC().Format(time.RFC3339))
		}
	}
	return unknown
}

// inNamespace returns the cached objects of one namespace.
func inNamespace[T any](w *watched, namespace string) []T {
	// The error is that the index does not exist; New creates it.
	objects, _ := w.informer.GetIndexer().ByIndex(cache.NamespaceIndex, namespace)
	return typed[T](objects)
}

// all returns all cached objects.
func all[T any](w *watched) []T { return typed[T](w.informer.GetStore().List()) }

func typed[T any](objects []any) []T {
	result := make([]T, 0, len(objects))
	for _, object := range objects {
		if t, ok := object.(T); ok {
			result = append(result, t)
		}
	}
	return result
}

// names returns the names of the cached objects of one namespace.
func (w *watched) names(namespace string) sets.Set[string] {
	names := sets.Set[string]{}
	keys, _ := w.informer.GetIndexer().IndexKeys(cache.NamespaceIndex, namespace)
	for _, key := range keys {
		if _, name, err := cache.SplitMetaNamespaceKey(key); err == nil {
			names.Insert(name)
		}
	}
	return names
}
