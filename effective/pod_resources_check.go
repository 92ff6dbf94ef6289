package effective

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"

	"reprise.dev/reprise/internal/quantity"
)

// checkPodResources checks the pod-level resources against themselves and the
// containers (pkg/apis/core/validation/validation.go validatePodResources).
func (d *podBuilder) checkPodResources() {
	spec := &d.pod.Spec
	if spec.Resources == nil {
		return
	}
	if spec.OS != nil && spec.OS.Name == corev1.Windows {
		d.reportPodResources("spec.resources", "", "pod-level resources are not allowed for a Windows pod", "remove spec.resources")
		return
	}
	if spec.Resources.Claims != nil {
		d.reportPodResources("spec.resources.claims", "", "claims are not allowed in pod-level resources", "state the claims at the container")
	}
	d.checkRequirements(podPlace, spec.Resources, podNameProblem)
	d.checkPodRequests()
	d.checkPodHugePages()
	for at, c := range containers(spec) {
		if at.list == inContainers {
			d.checkUnderPodLimits(at, c.Resources.Limits)
		}
	}
}

// checkPodRequests checks that the pod requests no less than its containers together.
func (d *podBuilder) checkPodRequests() {
	for name, sum := range helper.AggregateContainerRequests(d.pod, helper.PodResourcesOptions{}) {
		request, ok := d.pod.Spec.Resources.Requests[name]
		if ok && quantity.Compare(sum, request) > 0 {
			d.reportSum(podPlace.request(name), name, sum, request, "request")
		}
	}
}

// checkPodHugePages checks that the pod's huge page limits hold its containers' together.
func (d *podBuilder) checkPodHugePages() {
	for name, sum := range helper.AggregateContainerLimits(d.pod, helper.PodResourcesOptions{}) {
		limit, ok := d.pod.Spec.Resources.Limits[name]
		if ok && isHugePages(name) && quantity.Compare(sum, limit) > 0 {
			d.reportSum(podPlace.limit(name), name, sum, limit, "limit")
		}
	}
}

// checkUnderPodLimits checks one container's limits against the pod's. The API
// server reports it under a path that no pod has
// (spec.resources.containers[0][memory].limits); the violation has the real one.
func (d *podBuilder) checkUnderPodLimits(at place, limits corev1.ResourceList) {
	for name, limit := range limits {
		podLimit, ok := d.pod.Spec.Resources.Limits[name]
		if !ok || quantity.Compare(limit, podLimit) <= 0 {
			continue
		}
		o := Violation{
			Rule: RulePodResources, Field: at.limit(name), Container: at.container, Resource: name,
			Requested: limit.String(), Allowed: podLimit.String(),
			Cause: d.defaultedFrom[at.limit(name)], Exact: !d.unsettled,
			Message: fmt.Sprintf("%s has a %s limit of %s, more than the pod's limit of %s", at, name, limit.String(), podLimit.String()),
			Fix:     fmt.Sprintf("lower the container's limit to %s, or raise spec.resources.limits.%s", podLimit.String(), name),
		}
		if o.Cause.Name != "" {
			o.Message = fmt.Sprintf("LimitRange %s sets the %s limit of %s to %s, more than the pod's limit of %s",
				o.Cause.Name, name, at, limit.String(), podLimit.String())
		}
		d.report(o)
	}
}

// reportSum reports containers that together state more than the pod.
func (d *podBuilder) reportSum(path string, name corev1.ResourceName, sum, allowed resource.Quantity, what string) {
	o := Violation{
		Rule: RulePodResources, Field: path, Resource: name,
		Requested: sum.String(), Allowed: allowed.String(), Exact: !d.unsettled,
		Message: fmt.Sprintf("the containers' %s %ss add up to %s, more than the pod-level %s of %s", name, what, sum.String(), what, allowed.String()),
		Fix:     fmt.Sprintf("raise spec.resources.%ss.%s to at least %s, or lower the containers'", what, name, sum.String()),
	}
	for at := range containers(&d.pod.Spec) {
		path := at.request(name)
		if what == "limit" {
			path = at.limit(name)
		}
		if cause := d.defaultedFrom[path]; cause.Name != "" {
			o.Cause = cause
			o.Message = fmt.Sprintf("LimitRange %s supplies %s %ss: %s", cause.Name, name, what, o.Message)
			break
		}
	}
	d.report(o)
}

func (d *podBuilder) reportPodResources(path string, name corev1.ResourceName, message, fix string) {
	d.report(Violation{Rule: RulePodResources, Field: path, Resource: name, Message: message, Fix: fix, Exact: true})
}
