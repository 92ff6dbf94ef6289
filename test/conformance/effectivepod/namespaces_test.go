package effectivepod

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// objects are what is created in a namespace before templates are judged there.
type objects struct {
	namespace   *corev1.Namespace
	limitRanges []*corev1.LimitRange
	quotas      []*corev1.ResourceQuota
}

// namespace draws a namespace: up to three LimitRanges, up to two quotas, a PodSecurity level.
func (g generator) namespace(name string) objects {
	o := objects{namespace: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{}}}}
	if g.chance(25) {
		o.namespace.Labels["pod-security.kubernetes.io/enforce"] = pick(g, "baseline", "baseline", "restricted", "restricted", "privileged")
		if g.chance(60) {
			o.namespace.Labels["pod-security.kubernetes.io/enforce-version"] = pick(g, "latest", "v1.20", "v1.20", "v1.25", "v1.37")
		}
	}
	for i := range pick(g, 0, 1, 1, 1, 2, 3) {
		lr := g.limitRange(fmt.Sprintf("range-%d", i))
		if g.chance(85) {
			leaveOut(lr, o.limitRanges)
		}
		o.limitRanges = append(o.limitRanges, lr)
	}
	for i := range pick(g, 0, 0, 0, 1, 1, 2) {
		o.quotas = append(o.quotas, g.quota(fmt.Sprintf("quota-%d", i)))
	}
	return o
}

func (g generator) limitRange(name string) *corev1.LimitRange {
	lr := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if g.chance(85) {
		lr.Spec.Limits = append(lr.Spec.Limits, g.limits(corev1.LimitTypeContainer))
	}
	if g.chance(40) {
		lr.Spec.Limits = append(lr.Spec.Limits, g.limits(corev1.LimitTypePod))
	}
	return lr
}

// leaveOut takes from a LimitRange what earlier ones say of containers: of two
// different defaults the API server takes either.
func leaveOut(lr *corev1.LimitRange, earlier []*corev1.LimitRange) {
	for _, other := range earlier {
		for _, item := range other.Spec.Limits {
			for _, later := range lr.Spec.Limits {
				if item.Type != corev1.LimitTypeContainer || later.Type != item.Type {
					continue
				}
				for _, said := range []corev1.ResourceList{item.Min, item.Max, item.Default, item.DefaultRequest} {
					for name := range said {
						delete(later.Min, name)
						delete(later.Max, name)
						delete(later.Default, name)
						delete(later.DefaultRequest, name)
					}
				}
			}
		}
	}
}

// limits draws bounds and defaults in an order that the API server accepts, mostly.
func (g generator) limits(kind corev1.LimitType) corev1.LimitRangeItem {
	item := corev1.LimitRangeItem{
		Type: kind, Min: corev1.ResourceList{}, Max: corev1.ResourceList{},
		Default: corev1.ResourceList{}, DefaultRequest: corev1.ResourceList{}, MaxLimitRequestRatio: corev1.ResourceList{},
	}
	for _, name := range g.resources() {
		rows := []int{g.usual(name), g.usual(name), g.usual(name), g.usual(name)}
		slices.Sort(rows)
		if g.chance(65) {
			rows[0], rows[3] = 0, len(amounts(name))-1
		}
		if g.IntN(200) == 0 && kind == corev1.LimitTypeContainer { // The API server does not mind.
			negative := g.form(name, rows[2])
			negative.Neg()
			item.DefaultRequest[name] = negative
			continue
		}
		if g.chance(25) {
			item.Min[name] = g.form(name, rows[0])
		}
		if g.chance(25) {
			item.Max[name] = g.form(name, rows[3])
		}
		if kind == corev1.LimitTypeContainer && g.chance(35) {
			item.DefaultRequest[name] = g.form(name, rows[1])
		}
		if kind == corev1.LimitTypeContainer && g.chance(45) {
			item.Default[name] = g.form(name, rows[2])
		}
		if g.chance(5) {
			item.MaxLimitRequestRatio[name] = g.form(corev1.ResourceCPU, 6+g.IntN(5))
		}
	}
	return item
}

// quotaResources are what quotas count.
var quotaResources = []corev1.ResourceName{
	"pods", "count/pods", "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory",
	"requests.ephemeral-storage", "limits.ephemeral-storage", "requests.example.com/gpu", "hugepages-2Mi",
	"requests.hugepages-2Mi", "services", "configmaps", "requests.deviceclass.resource.kubernetes.io/gpu",
}

// quota draws a quota with its status, which no controller fills here.
func (g generator) quota(name string) *corev1.ResourceQuota {
	q := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: name}}
	q.Spec.Hard = corev1.ResourceList{}
	for range 1 + g.IntN(3) {
		counted := pick(g, quotaResources...)
		if len(g.rare) == 1 && g.chance(50) {
			counted = corev1.DefaultResourceRequestsPrefix + g.rare[0]
		}
		base := baseOf(counted)
		q.Spec.Hard[counted] = g.form(base, max(g.usual(base), len(amounts(base))*3/4))
		if g.chance(10) {
			q.Spec.Hard[counted] = g.form(base, g.IntN(3))
		}
	}
	if g.chance(35) {
		g.scope(q)
	}
	if g.chance(4) {
		return q
	}
	q.Status.Hard, q.Status.Used = q.Spec.Hard.DeepCopy(), corev1.ResourceList{}
	for _, counted := range slices.Sorted(maps.Keys(q.Spec.Hard)) {
		base := baseOf(counted)
		if g.chance(96) {
			q.Status.Used[counted] = g.form(base, pick(g, 0, 0, 0, 2, g.usual(base)))
		}
	}
	return q
}

// baseOf is the resource whose amounts suit a quota's.
func baseOf(counted corev1.ResourceName) corev1.ResourceName {
	base := corev1.ResourceName(strings.TrimPrefix(strings.TrimPrefix(string(counted), "requests."), "limits."))
	_, pages := pageAmounts[base]
	if pages || slices.Contains(commonResources, base) || base == corev1.ResourceEphemeralStorage {
		return base
	}
	return corev1.ResourcePods
}

// scope draws scopes; those of best effort may only count pods.
func (g generator) scope(q *corev1.ResourceQuota) {
	switch g.IntN(8) {
	case 0, 1, 2:
		q.Spec.Hard = corev1.ResourceList{"pods": g.form("pods", g.IntN(4))}
		q.Spec.Scopes = []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeBestEffort}
	case 3:
		q.Spec.Scopes = []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeNotBestEffort}
	case 4:
		q.Spec.Scopes = []corev1.ResourceQuotaScope{pick(g, corev1.ResourceQuotaScopeTerminating, corev1.ResourceQuotaScopeNotTerminating)}
	case 5:
		q.Spec.Scopes = []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeCrossNamespacePodAffinity}
	default:
		r := corev1.ScopedResourceSelectorRequirement{ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: pick(g,
			corev1.ScopeSelectorOpIn, corev1.ScopeSelectorOpNotIn, corev1.ScopeSelectorOpExists, corev1.ScopeSelectorOpDoesNotExist)}
		if r.Operator == corev1.ScopeSelectorOpIn || r.Operator == corev1.ScopeSelectorOpNotIn {
			r.Values = []string{"high"}
		}
		q.Spec.ScopeSelector = &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{r}}
	}
}
