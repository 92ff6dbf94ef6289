// Package namespace reads, from a cache, what decides about a pod in its namespace.
package namespace

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/effective"
)

// Source reads namespaces from a cache: no admission waits for a call of its own.
type Source struct {
	reader client.Reader
}

// NewSource makes a Source and has the cache watch what it reads. Of ConfigMaps only the metadata is kept.
func NewSource(ctx context.Context, c cache.Cache) (*Source, error) {
	for _, object := range []client.Object{
		&corev1.Namespace{}, &corev1.LimitRange{}, &corev1.ResourceQuota{}, &corev1.ServiceAccount{},
		&nodev1.RuntimeClass{}, &schedulingv1.PriorityClass{}, configMapMetadata(),
	} {
		if _, err := c.GetInformer(ctx, object, cache.BlockUntilSynced(false)); err != nil {
			return nil, fmt.Errorf("watching %T: %w", object, err)
		}
	}
	return &Source{reader: c}, nil
}

func configMapMetadata() *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	return object
}

// For reads what decides about a pod in a namespace. What cannot be read is Unknown there, with the reason.
func (s *Source) For(ctx context.Context, name string) effective.Namespace {
	n := effective.Namespace{Name: name, Unknown: map[effective.Kind]string{}}
	read := func(kind effective.Kind, err error) {
		if err != nil {
			n.Unknown[kind] = fmt.Sprintf("reading %s objects from the cache: %v", kind, err)
		}
	}
	namespace := &corev1.Namespace{}
	read(effective.KindNamespace, s.reader.Get(ctx, client.ObjectKey{Name: name}, namespace))
	n.Labels = namespace.Labels

	var limitRanges corev1.LimitRangeList
	read(effective.KindLimitRange, s.list(ctx, &limitRanges, name))
	n.LimitRanges = pointers(limitRanges.Items)
	var quotas corev1.ResourceQuotaList
	read(effective.KindResourceQuota, s.list(ctx, &quotas, name))
	n.ResourceQuotas = pointers(quotas.Items)
	var accounts corev1.ServiceAccountList
	read(effective.KindServiceAccount, s.list(ctx, &accounts, name))
	n.ServiceAccounts = pointers(accounts.Items)
	var runtimes nodev1.RuntimeClassList
	read(effective.KindRuntimeClass, s.list(ctx, &runtimes, ""))
	n.RuntimeClasses = pointers(runtimes.Items)
	var priorities schedulingv1.PriorityClassList
	read(effective.KindPriorityClass, s.list(ctx, &priorities, ""))
	n.PriorityClasses = pointers(priorities.Items)

	configMaps := &metav1.PartialObjectMetadataList{}
	configMaps.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMapList"))
	read(effective.KindConfigMap, s.list(ctx, configMaps, name))
	n.ConfigMaps = sets.New[string]()
	for _, configMap := range configMaps.Items {
		n.ConfigMaps.Insert(configMap.Name)
	}
	return n
}

// Annotations are the namespace's own, none where it is not known.
func (s *Source) Annotations(ctx context.Context, name string) map[string]string {
	namespace := &corev1.Namespace{}
	if err := s.reader.Get(ctx, client.ObjectKey{Name: name}, namespace); err != nil {
		return nil
	}
	return namespace.Annotations
}

// list reads without copying: nothing that is read is written to.
func (s *Source) list(ctx context.Context, into client.ObjectList, namespace string) error {
	return s.reader.List(ctx, into, client.InNamespace(namespace), client.UnsafeDisableDeepCopy)
}

func pointers[T any](items []T) []*T {
	out := make([]*T, len(items))
	for i := range items {
		out[i] = &items[i]
	}
	return out
}
