package effective

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"reprise.dev/reprise/internal/quantity"
)

// checkResources checks what every container, and the overhead, states by itself
// (pkg/apis/core/validation/validation.go, validateResourceRequirements).
func (d *podBuilder) checkResources() {
	for at, c := range containers(&d.pod.Spec) {
		d.checkRequirements(at, &c.Resources, containerNameProblem)
	}
	for name, amount := range d.pod.Spec.Overhead {
		d.checkQuantity(podPlace, overheadPath, name, amount, containerNameProblem)
	}
}

// overheadPath returns the path under which the API server validates overhead.
func overheadPath(name corev1.ResourceName) string {
	return "spec.overhead.limits[" + string(name) + "]"
}

// checkRequirements checks one set of requests and limits against itself.
func (d *podBuilder) checkRequirements(at place, r *corev1.ResourceRequirements, nameProblem func(corev1.ResourceName) string) {
	hugePages, others := false, false
	for name, amount := range r.Limits {
		d.checkQuantity(at, at.limit, name, amount, nameProblem)
		hugePages, others = hugePages || isHugePages(name), others || isCPUOrMemory(name)
	}
	for name, request := range r.Requests {
		d.checkQuantity(at, at.request, name, request, nameProblem)
		hugePages, others = hugePages || isHugePages(name), others || isCPUOrMemory(name)
		limit, limited := r.Limits[name]
		switch {
		case limited && quantity.Compare(request, limit) != 0 && !mayOvercommit(name):
			d.reportUnequal(at, name, request, limit)
		case limited && quantity.Compare(request, limit) > 0:
			d.reportOverLimit(at, name, request, limit)
		case !limited && !mayOvercommit(name):
			d.reportUnlimited(at, name, request)
		}
	}
	if hugePages && !others {
		d.report(Violation{
			Rule: RuleOvercommit, Field: at.path() + ".resources", Container: at.container,
			Message: fmt.Sprintf("%s states huge pages but neither cpu nor memory", at),
			Fix:     "add a cpu or memory request",
			Exact:   !d.unsettled,
		})
	}
}

// checkQuantity checks a resource's name and amount.
func (d *podBuilder) checkQuantity(at place, path func(corev1.ResourceName) string, name corev1.ResourceName, amount resource.Quantity, nameProblem func(corev1.ResourceName) string) {
	problem, what, fix := nameProblem(name), "", "remove the resource or correct its name"
	if problem == "" {
		problem, what, fix = quantityProblem(name, amount), amount.String()+" of ", "correct the amount"
	}
	if problem == "" {
		return
	}
	d.report(Violation{
		Rule: RuleResourceName, Field: path(name), Container: at.container, Resource: name,
		Requested: amount.String(), Cause: d.defaultedFrom[path(name)], Exact: d.isDecided(at, name),
		Message: fmt.Sprintf("%s states %s%s, which %s", at, what, name, problem),
		Fix:     fix,
	})
}

func (d *podBuilder) reportOverLimit(at place, name corev1.ResourceName, request, limit resource.Quantity) {
	o := d.contradiction(RuleRequestOverLimit, at, name, request, limit)
	o.Message = fmt.Sprintf("%s requests %s %s, more than its limit of %s", at, request.String(), name, limit.String())
	if o.Cause.Name != "" {
		o.Message = fmt.Sprintf("LimitRange %s sets the %s limit of %s to %s, less than its request of %s",
			o.Cause.Name, name, at, limit.String(), request.String())
		if d.defaultedFrom[at.limit(name)] != o.Cause {
			o.Message = fmt.Sprintf("LimitRange %s sets the %s request of %s to %s, more than its limit of %s",
				o.Cause.Name, name, at, request.String(), limit.String())
		}
	}
	o.Fix = fmt.Sprintf("set resources.limits.%s to at least %s, or lower the request to %s", name, request.String(), limit.String())
	d.report(o)
}

func (d *podBuilder) reportUnequal(at place, name corev1.ResourceName, request, limit resource.Quantity) {
	o := d.contradiction(RuleOvercommit, at, name, request, limit)
	o.Message = fmt.Sprintf("%s requests %s %s with a limit of %s; the two must be equal, since %s cannot be overcommitted",
		at, request.String(), name, limit.String(), name)
	o.Fix = fmt.Sprintf("set resources.requests and resources.limits of %s to the same value", name)
	d.report(o)
}

func (d *podBuilder) reportUnlimited(at place, name corev1.ResourceName, request resource.Quantity) {
	d.report(Violation{
		Rule: RuleOvercommit, Field: at.path() + ".resources.limits", Container: at.container, Resource: name,
		Requested: request.String(), Cause: d.defaultedFrom[at.request(name)], Exact: !d.unsettled,
		Message: fmt.Sprintf("%s requests %s %s without a limit; %s cannot be overcommitted", at, request.String(), name, name),
		Fix:     fmt.Sprintf("set resources.limits.%s to %s", name, request.String()),
	})
}

// contradiction returns a violation: a request that does not match its limit. Its cause is the
// LimitRange that supplied the limit, or else the request.
func (d *podBuilder) contradiction(rule Rule, at place, name corev1.ResourceName, request, limit resource.Quantity) Violation {
	cause := d.defaultedFrom[at.limit(name)]
	if cause.Name == "" {
		cause = d.defaultedFrom[at.request(name)]
	}
	return Violation{
		Rule: rule, Field: at.path() + ".resources.requests", Container: at.container, Resource: name,
		Requested: request.String(), Allowed: limit.String(), Cause: cause,
		Exact: d.isDecided(at, name),
	}
}

// listed writes a list of resources as the API server does: cpu=1,memory=1Gi.
func listed(list corev1.ResourceList) string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(list)) {
		if i > 0 {
			b.WriteByte(',')
		}
		amount := list[name]
		b.WriteString(string(name) + "=" + amount.String())
	}
	return b.String()
}
