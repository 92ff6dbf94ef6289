package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"reprise.dev/reprise/effective"
)

// NamespaceData reads what decides about a pod in its namespace, with the caller's rights, once for
// each namespace.
type NamespaceData struct {
	clients kubernetes.Interface
	names   metadata.Interface
	read    map[string]effective.Namespace
}

// NewNamespaceData returns a reader of namespaces. It fails where the cluster does not answer.
func NewNamespaceData(config *rest.Config) (*NamespaceData, error) {
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	names, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client of names: %w", err)
	}
	if _, err := clients.Discovery().ServerVersion(); err != nil {
		return nil, err
	}
	return &NamespaceData{clients: clients, names: names, read: map[string]effective.Namespace{}}, nil
}

// Of implements check.Namespaces. A kind that the caller may not read is unknown, with the API
// server's reason.
func (d *NamespaceData) Of(ctx context.Context, namespace string, _ *corev1.PodTemplateSpec) effective.Namespace {
	if known, found := d.read[namespace]; found {
		return known
	}
	ns := effective.Namespace{Name: namespace, ConfigMaps: sets.Set[string]{}, Unknown: map[effective.Kind]string{}}
	d.readNamespace(ctx, &ns)
	core, all := d.clients.CoreV1(), metav1.ListOptions{}
	note(&ns, effective.KindLimitRange, func() error {
		list, err := core.LimitRanges(namespace).List(ctx, all)
		ns.LimitRanges = pointers(list, err, func(l *corev1.LimitRangeList) []corev1.LimitRange { return l.Items })
		return err
	})
	note(&ns, effective.KindResourceQuota, func() error {
		list, err := core.ResourceQuotas(namespace).List(ctx, all)
		ns.ResourceQuotas = pointers(list, err, func(l *corev1.ResourceQuotaList) []corev1.ResourceQuota { return l.Items })
		return err
	})
	note(&ns, effective.KindServiceAccount, func() error {
		list, err := core.ServiceAccounts(namespace).List(ctx, all)
		ns.ServiceAccounts = pointers(list, err, func(l *corev1.ServiceAccountList) []corev1.ServiceAccount { return l.Items })
		return err
	})
	note(&ns, effective.KindRuntimeClass, func() error {
		list, err := d.clients.NodeV1().RuntimeClasses().List(ctx, all)
		ns.RuntimeClasses = pointers(list, err, func(l *nodev1.RuntimeClassList) []nodev1.RuntimeClass { return l.Items })
		return err
	})
	note(&ns, effective.KindPriorityClass, func() error {
		list, err := d.clients.SchedulingV1().PriorityClasses().List(ctx, all)
		ns.PriorityClasses = pointers(list, err, func(l *schedulingv1.PriorityClassList) []schedulingv1.PriorityClass { return l.Items })
		return err
	})
	note(&ns, effective.KindConfigMap, func() error {
		list, err := d.names.Resource(corev1.SchemeGroupVersion.WithResource("configmaps")).Namespace(namespace).List(ctx, all)
		if err == nil {
			for _, item := range list.Items {
				ns.ConfigMaps.Insert(item.Name)
			}
		}
		return err
	})
	d.read[namespace] = ns
	return ns
}

// readNamespace reads the namespace itself, whose labels set a PodSecurity level.
func (d *NamespaceData) readNamespace(ctx context.Context, ns *effective.Namespace) {
	note(ns, effective.KindNamespace, func() error {
		found, err := d.clients.CoreV1().Namespaces().Get(ctx, ns.Name, metav1.GetOptions{})
		if err == nil {
			ns.Labels = found.Labels
		}
		return err
	})
}

// note reads one kind. A failure makes it unknown.
func note(ns *effective.Namespace, kind effective.Kind, read func() error) {
	if err := read(); err != nil {
		ns.Unknown[kind] = err.Error()
	}
}

// Live implements check.Namespaces.
func (d *NamespaceData) Live(ctx context.Context, namespace, name string) (map[string]any, error) {
	if name == "" {
		return nil, nil
	}
	found, err := d.clients.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading deployment/%s in namespace %s: %w", name, namespace, err)
	}
	return runtime.DefaultUnstructuredConverter.ToUnstructured(found)
}

func pointers[L, T any](list *L, err error, items func(*L) []T) []*T {
	if err != nil || list == nil {
		return nil
	}
	all := items(list)
	out := make([]*T, len(all))
	for i := range all {
		out[i] = &all[i]
	}
	return out
}
