package effective

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// amounts builds a resource list from names and quantities in turn.
func amounts(pairs ...string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		list[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return list
}

func stating(requests, limits corev1.ResourceList) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: requests, Limits: limits}
}

// app returns a template of one container, app, with these resources.
func app(r corev1.ResourceRequirements) *corev1.PodTemplateSpec {
	return &corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app:1", Resources: r}}}}
}

// with returns the template after a change.
func with(t *corev1.PodTemplateSpec, change func(*corev1.PodSpec)) *corev1.PodTemplateSpec {
	change(&t.Spec)
	return t
}

// sidecar returns a restartable init container.
func sidecar(name string, r corev1.ResourceRequirements) corev1.Container {
	return corev1.Container{Name: name, Image: "app:1", Resources: r, RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}
}

// namespace is one with its default ServiceAccount, changed by each argument.
func namespace(changes ...func(*Namespace)) Namespace {
	ns := Namespace{Name: "shop", ServiceAccounts: []*corev1.ServiceAccount{{ObjectMeta: metav1.ObjectMeta{Name: "default"}}}}
	for _, change := range changes {
		change(&ns)
	}
	return ns
}

func limitRange(name string, items ...corev1.LimitRangeItem) func(*Namespace) {
	lr := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.LimitRangeSpec{Limits: items}}
	return func(ns *Namespace) { ns.LimitRanges = append(ns.LimitRanges, lr) }
}

// quota returns a ResourceQuota whose status is up to date.
func quota(name string, hard, used corev1.ResourceList, scopes ...corev1.ResourceQuotaScope) func(*Namespace) {
	q := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ResourceQuotaSpec{Hard: hard, Scopes: scopes},
		Status:     corev1.ResourceQuotaStatus{Hard: hard, Used: used},
	}
	return func(ns *Namespace) { ns.ResourceQuotas = append(ns.ResourceQuotas, q) }
}

func unknown(kind Kind) func(*Namespace) {
	return func(ns *Namespace) { ns.Unknown = map[Kind]string{kind: "the cache is stale"} }
}

// violated returns the violations of a result, as rule and field.
func violated(r Result) []string {
	lines := []string{}
	for _, o := range r.Violations {
		lines = append(lines, string(o.Rule)+" "+o.Field)
	}
	return lines
}

// one returns the only violation of a result.
func one(t *testing.T, r Result) Violation {
	t.Helper()
	if len(r.Violations) != 1 {
		t.Fatalf("got %d violations, want 1: %+v", len(r.Violations), r.Violations)
	}
	return r.Violations[0]
}

// written returns a list as text, for comparison.
func written(list corev1.ResourceList) string { return listed(list) }
