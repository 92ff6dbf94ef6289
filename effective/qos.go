package effective

import (
	corev1 "k8s.io/api/core/v1"
	helper "k8s.io/component-helpers/resource"
)

// isBestEffort reports whether a pod states neither requests nor limits of cpu and
// memory, zero counting as none. Pod-level resources count instead of the
// containers' where they are set (pkg/apis/core/helper/qos/qos.go, ComputePodQOS).
func isBestEffort(pod *corev1.Pod) bool {
	if helper.IsPodLevelResourcesSet(pod) {
		return statesNothing(pod.Spec.Resources)
	}
	for _, c := range containers(&pod.Spec) {
		if !statesNothing(&c.Resources) {
			return false
		}
	}
	return true
}

func statesNothing(r *corev1.ResourceRequirements) bool {
	for _, list := range []corev1.ResourceList{r.Requests, r.Limits} {
		for name, quantity := range list {
			if isCPUOrMemory(name) && !quantity.IsZero() {
				return false
			}
		}
	}
	return true
}
