package check

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"

	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/internal/quantity"
)

// NamespaceData is what decides about pods beside their templates, as manifests tell it. A manifest
// without a namespace counts for every one. What is not told is taken to allow: no LimitRange, no
// quota, no PodSecurity level, and every class and ServiceAccount that a template names.
type NamespaceData struct {
	namespaces      []*corev1.Namespace
	limitRanges     []*corev1.LimitRange
	quotas          []*corev1.ResourceQuota
	accounts        []*corev1.ServiceAccount
	runtimeClasses  []*nodev1.RuntimeClass
	priorityClasses []*schedulingv1.PriorityClass
}

// NewNamespaceData reads what is told of namespaces and the cluster: every manifest must be of a
// kind that decides about pods. What is checked with it counts too: a Namespace, a LimitRange and a
// quota are applied before their users.
func NewNamespaceData(told, checked []Manifest) (*NamespaceData, error) {
	s := &NamespaceData{}
	for _, m := range told {
		known, err := s.add(m)
		if err != nil {
			return nil, err
		}
		if !known {
			_, kind := m.kind()
			return nil, fmt.Errorf("%s is of kind %s, which decides nothing about pods; expected LimitRange, ResourceQuota, "+
				"Namespace, ServiceAccount, PriorityClass or RuntimeClass", m.Place, printable(kind))
		}
	}
	for _, m := range checked {
		switch _, kind := m.kind(); kind {
		case "Namespace", "LimitRange", "ResourceQuota":
			if _, err := s.add(m); err != nil {
				return nil, err
			}
		}
	}
	for _, q := range s.quotas {
		counted(q)
	}
	return s, nil
}

func (s *NamespaceData) add(m Manifest) (known bool, err error) {
	version, kind := m.kind()
	switch version + " " + kind {
	case "v1 Namespace":
		err = decode(m, &s.namespaces)
	case "v1 LimitRange":
		err = decode(m, &s.limitRanges)
	case "v1 ResourceQuota":
		err = decode(m, &s.quotas)
	case "v1 ServiceAccount":
		err = decode(m, &s.accounts)
	case "node.k8s.io/v1 RuntimeClass":
		err = decode(m, &s.runtimeClasses)
	case "scheduling.k8s.io/v1 PriorityClass":
		err = decode(m, &s.priorityClasses)
	default:
		return false, nil
	}
	return true, err
}

// decode adds a manifest to the objects of its kind. Misspelt fields are errors: a bound that is
// not read bounds nothing.
func decode[T any](m Manifest, into *[]*T) error {
	object := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(quantity.Normalize(m.Object), object, true); err != nil {
		_, kind := m.kind()
		return fmt.Errorf("%s is no valid %s: %s", m.Place, kind, printable(err.Error()))
	}
	*into = append(*into, object)
	return nil
}

// counted gives a quota that was written by hand the state of one of which nothing is used.
func counted(q *corev1.ResourceQuota) {
	if len(q.Status.Hard) > 0 {
		return
	}
	q.Status.Hard, q.Status.Used = q.Spec.Hard, corev1.ResourceList{}
	for name := range q.Spec.Hard {
		q.Status.Used[name] = resource.Quantity{}
	}
}

// Of returns what a template meets in a namespace.
func (s *NamespaceData) Of(_ context.Context, namespace string, template *corev1.PodTemplateSpec) effective.Namespace {
	ns := effective.Namespace{
		Name:            namespace,
		LimitRanges:     in(namespace, s.limitRanges),
		ResourceQuotas:  in(namespace, s.quotas),
		ServiceAccounts: in(namespace, s.accounts),
		RuntimeClasses:  s.runtimeClasses,
		PriorityClasses: s.priorityClasses,
		ConfigMaps:      sets.Set[string]{},
		Unknown:         map[effective.Kind]string{effective.KindConfigMap: "ConfigMaps are not looked at"},
	}
	for _, n := range s.namespaces {
		if n.Name == namespace {
			ns.Labels = n.Labels
		}
	}
	s.assume(&ns, template)
	return ns
}

// assume adds what a template names and nobody told of: a class of which others are told does not
// exist.
func (s *NamespaceData) assume(ns *effective.Namespace, template *corev1.PodTemplateSpec) {
	spec := &template.Spec
	accounts := []string{"default"} // Every namespace has it.
	if len(s.accounts) == 0 {
		accounts = append(accounts, spec.ServiceAccountName, spec.DeprecatedServiceAccount)
	}
	for _, name := range accounts {
		ns.ServiceAccounts = append(ns.ServiceAccounts, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: ns.Name}})
	}
	if len(s.runtimeClasses) == 0 && spec.RuntimeClassName != nil {
		ns.RuntimeClasses = []*nodev1.RuntimeClass{{ObjectMeta: metav1.ObjectMeta{Name: *spec.RuntimeClassName}}}
	}
	if len(s.priorityClasses) == 0 && spec.PriorityClassName != "" {
		class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: spec.PriorityClassName}, PreemptionPolicy: spec.PreemptionPolicy}
		if spec.Priority != nil {
			class.Value = *spec.Priority
		}
		ns.PriorityClasses = []*schedulingv1.PriorityClass{class}
	}
}

// in returns the objects of a namespace, and those of none.
func in[T any, P interface {
	*T
	metav1.Object
}](namespace string, objects []P) []P {
	var here []P
	for _, o := range objects {
		if o.GetNamespace() == "" || o.GetNamespace() == namespace {
			here = append(here, o)
		}
	}
	return here
}

// Live reports that nothing is known to run.
func (*NamespaceData) Live(context.Context, string, string) (map[string]any, error) { return nil, nil }
