// Package namespaceinfo keeps what package effective needs to know of every
// namespace in small caches, so that judging a template costs no call to the API
// server.
//
// It needs list and watch on namespaces, limitranges, resourcequotas,
// serviceaccounts, configmaps (their names alone are read), runtimeclasses
// (node.k8s.io) and priorityclasses (scheduling.k8s.io).
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

// Cache answers from its caches. A cache lags behind the API server by
// milliseconds; one that has lost the API server for longer than allowed, or was
// never filled, is reported as unknown instead of answered from.
type Cache struct {
	kinds    map[effective.Kind]*watched
	maxStale time.Duration
	now      func() time.Time
}

// inNamespaces are the kinds that live in a namespace.
var inNamespaces = [...]effective.Kind{
	effective.KindLimitRange, effective.KindResourceQuota, effective.KindServiceAccount, effective.KindConfigMap,
}

// Start fills the caches and keeps them current until ctx ends.
func (s *Cache) Start(ctx context.Context) error {
	var group sync.WaitGroup
	for _, w := range s.kinds {
		group.Go(func() { w.informer.RunWithContext(ctx) })
	}
	group.Wait()
	return nil
}

// NeedLeaderElection tells controller-runtime that every replica runs the source.
func (s *Cache) NeedLeaderElection() bool { return false }

// Ready returns an error while a cache has not been filled. It is a readiness check.
func (s *Cache) Ready(*http.Request) error {
	for _, kind := range kinds() {
		if !s.kinds[kind].informer.HasSynced() {
			return fmt.Errorf("%s objects have not been read yet", kind)
		}
	}
	return nil
}

// For returns what is known of a namespace. The objects are the caches' own: they
// must not be changed. It never fails and asks nobody.
func (s *Cache) For(_ context.Context, namespace string) effective.Namespace {
	ns := effective.Namespace{Name: namespace, Unknown: s.unknown()}
	if found := s.namespace(namespace); found != nil {
		ns.Labels = found.Labels
	} else {
		// A cache that has not seen the namespace has not seen what is in it.
		reason := fmt.Sprintf("Namespace %s has not been seen yet", namespace)
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

// Annotations returns the namespace's own annotations; none if it is not known.
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

// unknown returns the kinds that cannot be answered for, with the reason.
func (s *Cache) unknown() map[effective.Kind]string {
	unknown := map[effective.Kind]string{}
	for kind, w := range s.kinds {
		if !w.informer.HasSynced() {
			unknown[kind] = fmt.Sprintf("%s objects have not been read yet", kind)
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
	// The error says that there is no such index; New makes it.
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
