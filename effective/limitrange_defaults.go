package effective

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"reprise.dev/reprise/internal/quantity"
)

// applyLimitRanges gives containers the limits and requests that they lack and
// a LimitRange supplies (plugin/pkg/admission/limitranger/admission.go,
// mergePodResourceRequirements).
//
// Of several LimitRanges the API server takes the first that has a value, in no
// fixed order. Here they are taken by name, and a disagreement is reported.
func (d *podBuilder) applyLimitRanges() {
	if d.markUnknown(KindLimitRange) {
		d.unsettled = true
		return
	}
	for _, lr := range byName(d.ns.LimitRanges) {
		limits, requests := containerDefaults(lr)
		for at, c := range containers(&d.pod.Spec) {
			d.applyDefault(&c.Resources.Limits, limits, at.limit, lr.Name)
			d.applyDefault(&c.Resources.Requests, requests, at.request, lr.Name)
		}
	}
}

// applyDefault fills what is missing in the list with a LimitRange's defaults.
func (d *podBuilder) applyDefault(list *corev1.ResourceList, defaults corev1.ResourceList, path func(corev1.ResourceName) string, limitRange string) {
	for name, amount := range defaults {
		amount = amount.DeepCopy()
		amount.RoundUp(resource.Milli)
		if present, ok := (*list)[name]; ok {
			if len(d.defaultedFrom) > 0 && quantity.Compare(present, amount) != 0 {
				d.disagree(path(name), limitRange)
			}
			continue
		}
		if *list == nil {
			*list = corev1.ResourceList{}
		}
		(*list)[name] = amount
		d.defaultedFrom[path(name)] = Cause{Kind: KindLimitRange, Name: limitRange}
	}
}

// disagree notes that a LimitRange has a different default for a value, if it was
// another LimitRange that supplied it.
func (d *podBuilder) disagree(path, limitRange string) {
	first, supplied := d.defaultedFrom[path]
	if !supplied {
		return
	}
	d.unsettled = true
	if d.unsettledAt == nil {
		d.unsettledAt = map[string]bool{}
	}
	d.unsettledAt[path] = true
	d.unknown = append(d.unknown, Unknown{
		Kind:   KindLimitRange,
		Reason: fmt.Sprintf("LimitRanges %s and %s have different defaults for %s; the API server takes either", first.Name, limitRange, path),
	})
}

// containerDefaults returns the limits and requests that a LimitRange supplies to
// containers. A default limit that is missing is the maximum, a default request
// that is missing the default limit, or else the minimum
// (pkg/apis/core/v1/defaults.go SetDefaults_LimitRangeItem).
func containerDefaults(lr *corev1.LimitRange) (limits, requests corev1.ResourceList) {
	for i := range lr.Spec.Limits {
		if item := &lr.Spec.Limits[i]; item.Type == corev1.LimitTypeContainer {
			limits = filled(item.Default, item.Max)
			requests = filled(filled(item.DefaultRequest, limits), item.Min)
		}
	}
	return limits, requests
}

// filled returns the list with what it lacks taken from another; neither is changed.
func filled(list, from corev1.ResourceList) corev1.ResourceList {
	result := list
	for name, quantity := range from {
		if _, ok := list[name]; ok {
			continue
		}
		if len(result) == len(list) {
			result = maps.Clone(list)
			if result == nil {
				result = corev1.ResourceList{}
			}
		}
		result[name] = quantity
	}
	return result
}

// byName returns the LimitRanges sorted by name.
func byName(ranges []*corev1.LimitRange) []*corev1.LimitRange {
	return slices.SortedFunc(slices.Values(ranges), func(a, b *corev1.LimitRange) int {
		return cmp.Compare(a.Name, b.Name)
	})
}
