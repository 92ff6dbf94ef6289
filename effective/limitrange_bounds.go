package effective

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"
)

// checkLimitRanges checks the bounds of every LimitRange, for each container and
// for the pod as a whole (plugin/pkg/admission/limitranger/admission.go,
// PodValidateLimitFunc).
func (d *podBuilder) checkLimitRanges() {
	if !d.ns.knows(KindLimitRange) {
		return
	}
	for _, lr := range d.ns.LimitRanges {
		for i := range lr.Spec.Limits {
			item := &lr.Spec.Limits[i]
			switch item.Type {
			case corev1.LimitTypeContainer:
				for at, c := range containers(&d.pod.Spec) {
					d.checkBounds(bounded{lr.Name, at, c.Resources.Requests, c.Resources.Limits}, item)
				}
			case corev1.LimitTypePod:
				requests, limits := d.podTotals()
				d.checkBounds(bounded{lr.Name, podPlace, requests, limits}, item)
			}
		}
	}
}

// bounded is what a LimitRange's bounds are applied to.
type bounded struct {
	limitRange       string
	at               place
	requests, limits corev1.ResourceList
}

// podTotals returns the pod's requests and limits as LimitRanges see them: without overhead, and
// with pod-level cpu and memory, but not pod-level huge pages, in place of what the containers add
// up to.
func (d *podBuilder) podTotals() (requests, limits corev1.ResourceList) {
	requests = helper.AggregateContainerRequests(d.pod, helper.PodResourcesOptions{})
	limits = helper.AggregateContainerLimits(d.pod, helper.PodResourcesOptions{})
	if r := d.pod.Spec.Resources; r != nil {
		overrideCPUAndMemory(requests, r.Requests)
		overrideCPUAndMemory(limits, r.Limits)
	}
	return requests, limits
}

func overrideCPUAndMemory(list, from corev1.ResourceList) {
	for name, quantity := range from {
		if isCPUOrMemory(name) {
			list[name] = quantity
		}
	}
}

func (d *podBuilder) checkBounds(b bounded, item *corev1.LimitRangeItem) {
	for name, minimum := range item.Min {
		d.checkMinimum(b, name, minimum)
	}
	for name, maximum := range item.Max {
		d.checkMaximum(b, name, maximum)
	}
	for name, ratio := range item.MaxLimitRequestRatio {
		d.checkRatio(b, name, ratio)
	}
}

// checkMinimum demands a request of at least the minimum; a limit below it is rejected too.
func (d *podBuilder) checkMinimum(b bounded, name corev1.ResourceName, minimum resource.Quantity) {
	request, requested := b.requests[name]
	limit, limited := b.limits[name]
	low, high, bound := comparable3(request, limit, minimum)
	switch {
	case !requested:
		d.reportBound(RuleLimitRangeMin, b, name, "requests", "", minimum, "requests none")
	case low < bound:
		d.reportBound(RuleLimitRangeMin, b, name, "requests", request.String(), minimum, "requests "+request.String())
	case limited && high < bound:
		d.reportBound(RuleLimitRangeMin, b, name, "limits", limit.String(), minimum, "has a limit of "+limit.String())
	}
}

// checkMaximum demands a limit of at most the maximum; a request above it is rejected too.
func (d *podBuilder) checkMaximum(b bounded, name corev1.ResourceName, maximum resource.Quantity) {
	request, requested := b.requests[name]
	limit, limited := b.limits[name]
	low, high, bound := comparable3(request, limit, maximum)
	switch {
	case !limited:
		d.reportBound(RuleLimitRangeMax, b, name, "limits", "", maximum, "has no limit")
	case high > bound:
		d.reportBound(RuleLimitRangeMax, b, name, "limits", limit.String(), maximum, "has a limit of "+limit.String())
	case requested && low > bound:
		d.reportBound(RuleLimitRangeMax, b, name, "requests", request.String(), maximum, "requests "+request.String())
	}
}

// checkRatio demands both a request and a limit, neither of them zero, and a limit
// of at most ratio times the request.
func (d *podBuilder) checkRatio(b bounded, name corev1.ResourceName, ratio resource.Quantity) {
	request, limit := b.requests[name], b.limits[name]
	low, high, _ := comparable3(request, limit, ratio)
	if low == 0 {
		d.reportBound(RuleLimitRangeRatio, b, name, "requests", stated(b.requests, name), ratio, "requests none, or 0")
		return
	}
	if high == 0 {
		d.reportBound(RuleLimitRangeRatio, b, name, "limits", stated(b.limits, name), ratio, "has no limit, or 0")
		return
	}
	observed, allowed := float64(high)/float64(low), float64(ratio.Value())
	exceeded := observed > allowed
	if ratio.Value() <= resource.MaxMilliValue {
		exceeded = observed*1000 > float64(ratio.MilliValue())
	}
	if exceeded {
		d.reportBound(RuleLimitRangeRatio, b, name, "limits", limit.String(), ratio,
			fmt.Sprintf("has %s/%s = %.4g", limit.String(), request.String(), observed))
	}
}

// stated returns a quantity as the API server holds it, or nothing.
func stated(list corev1.ResourceList, name corev1.ResourceName) string {
	quantity, ok := list[name]
	if !ok {
		return ""
	}
	return quantity.String()
}

// comparable3 brings a request, a limit and a bound to one scale: thousandths,
// or whole units where one of them is too large for that (admission.go,
// requestLimitEnforcedValues).
func comparable3(request, limit, bound resource.Quantity) (int64, int64, int64) {
	r, l, b := request.Value(), limit.Value(), bound.Value()
	if r <= resource.MaxMilliValue && l <= resource.MaxMilliValue && b <= resource.MaxMilliValue {
		return request.MilliValue(), limit.MilliValue(), bound.MilliValue()
	}
	return r, l, b
}

// reportBound reports a violated bound. The observation says what the place does.
func (d *podBuilder) reportBound(rule Rule, b bounded, name corev1.ResourceName, list, requested string, bound resource.Quantity, observation string) {
	what, fix := "maximum limit/request ratio", fmt.Sprintf("set a %s limit of at most %s times the request", name, bound.String())
	switch rule {
	case RuleLimitRangeMin:
		what, fix = "minimum", fmt.Sprintf("request at least %s %s", bound.String(), name)
	case RuleLimitRangeMax:
		what, fix = "maximum", fmt.Sprintf("set a %s limit of at most %s", name, bound.String())
	}
	d.report(Violation{
		Rule: rule, Field: b.at.path() + ".resources." + list, Container: b.at.container, Resource: name,
		Requested: requested, Allowed: bound.String(),
		Cause:   Cause{Kind: KindLimitRange, Name: b.limitRange},
		Message: fmt.Sprintf("LimitRange %s: the %s of %s is %s, but %s %s", b.limitRange, what, name, bound.String(), b.at, observation),
		Fix:     fix, Exact: d.isDecided(b.at, name),
	})
}
