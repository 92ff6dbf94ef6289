package effective

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"

	"reprise.dev/reprise/internal/quantity"
)

// applyPodResources completes pod-level resources that are stated in part. It
// happens after admission, so that LimitRange defaults count
// (pkg/api/pod/util.go DefaultPodLevelResources; the feature gates
// PodLevelResources and PodLevelResourcesFixDefaulting are on since 1.34 and 1.37).
func (d *podBuilder) applyPodResources() {
	r := d.pod.Spec.Resources
	if r == nil || len(r.Requests)+len(r.Limits) == 0 {
		return
	}
	requests := helper.AggregateContainerRequests(d.pod, helper.PodResourcesOptions{})
	limits := helper.AggregateContainerLimits(d.pod, helper.PodResourcesOptions{})
	if r.Requests == nil {
		r.Requests = corev1.ResourceList{}
	}
	if r.Limits == nil {
		r.Limits = corev1.ResourceList{}
	}
	limitHugePages(r, limits)
	requestPodResources(r, requests)
	d.limitPodResources(r, limits)
}

// limitHugePages limits the pod's huge pages to what its containers' limits add up to.
func limitHugePages(r *corev1.ResourceRequirements, aggregate corev1.ResourceList) {
	for name, limit := range aggregate {
		if _, requested := r.Requests[name]; !requested && isHugePages(name) {
			setMissing(r.Limits, name, limit)
		}
	}
}

// requestPodResources requests what the containers' requests add up to, or else
// the pod's own limit.
func requestPodResources(r *corev1.ResourceRequirements, aggregate corev1.ResourceList) {
	for name, request := range aggregate {
		if isCPUOrMemory(name) {
			setMissing(r.Requests, name, request)
		}
	}
	for name, limit := range r.Limits {
		if helper.IsSupportedPodLevelResource(name) {
			setMissing(r.Requests, name, limit)
		}
	}
}

// limitPodResources limits the pod, where every container has a limit, to what
// these add up to, or to the pod's request if that is more.
func (d *podBuilder) limitPodResources(r *corev1.ResourceRequirements, aggregate corev1.ResourceList) {
	for name, request := range r.Requests {
		limit, ok := aggregate[name]
		if !ok || !helper.IsSupportedPodLevelResource(name) || !d.everyContainerLimits(name) {
			continue
		}
		if quantity.Compare(request, limit) > 0 {
			limit = request
		}
		setMissing(r.Limits, name, limit)
	}
}

func (d *podBuilder) everyContainerLimits(name corev1.ResourceName) bool {
	for _, c := range containers(&d.pod.Spec) {
		if _, limited := c.Resources.Limits[name]; !limited {
			return false
		}
	}
	return true
}

func setMissing(list corev1.ResourceList, name corev1.ResourceName, amount resource.Quantity) {
	if _, ok := list[name]; !ok {
		list[name] = amount.DeepCopy()
	}
}
