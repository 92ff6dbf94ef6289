package effective

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"
)

// podCount is the quota resource that counts Pod objects.
const podCount corev1.ResourceName = "count/pods"

// countedForPods returns, sorted, those of a quota's resources that count pods or
// what pods request (pkg/quota/v1/evaluator/core/pods.go, MatchingResources).
func countedForPods(hard corev1.ResourceList) []corev1.ResourceName {
	var counted []corev1.ResourceName
	for name := range hard {
		if countsPods(name) {
			counted = append(counted, name)
		}
	}
	slices.Sort(counted)
	return counted
}

func countsPods(name corev1.ResourceName) bool {
	switch name {
	case podCount, corev1.ResourcePods,
		corev1.ResourceCPU, corev1.ResourceRequestsCPU, corev1.ResourceLimitsCPU,
		corev1.ResourceMemory, corev1.ResourceRequestsMemory, corev1.ResourceLimitsMemory,
		corev1.ResourceEphemeralStorage, corev1.ResourceRequestsEphemeralStorage, corev1.ResourceLimitsEphemeralStorage:
		return true
	}
	if isHugePages(name) || strings.HasPrefix(string(name), corev1.ResourceRequestsHugePagesPrefix) {
		return true
	}
	inner, isRequest := strings.CutPrefix(string(name), corev1.DefaultResourceRequestsPrefix)
	return isRequest && (!isNative(name) || strings.HasPrefix(inner, resourcev1.ResourceDeviceClassPrefix))
}

// demand returns which list of a container ("requests" or "limits") must hold which
// resource, if a quota counts the name. Only cpu and memory are demanded
// (pkg/quota/v1/evaluator/core/pods.go, validationSet).
func demand(name corev1.ResourceName) (list string, stated corev1.ResourceName) {
	switch name {
	case corev1.ResourceCPU, corev1.ResourceRequestsCPU:
		return "requests", corev1.ResourceCPU
	case corev1.ResourceMemory, corev1.ResourceRequestsMemory:
		return "requests", corev1.ResourceMemory
	case corev1.ResourceLimitsCPU:
		return "limits", corev1.ResourceCPU
	case corev1.ResourceLimitsMemory:
		return "limits", corev1.ResourceMemory
	}
	return "", ""
}

// podUsage returns what a pod counts for in quotas, overhead included
// (pkg/quota/v1/evaluator/core/pods.go, PodUsageFunc).
func podUsage(pod *corev1.Pod) corev1.ResourceList {
	// The sums are made in place where a quantity is too large for an int64, so
	// they are made of a copy.
	pod = &corev1.Pod{Spec: pod.Spec}
	pod.Spec.Resources = pod.Spec.Resources.DeepCopy()
	requests := helper.PodRequests(pod, helper.PodResourcesOptions{})
	limits := helper.PodLimits(pod, helper.PodResourcesOptions{})
	one := *resource.NewQuantity(1, resource.DecimalSI)
	usage := corev1.ResourceList{podCount: one, corev1.ResourcePods: one}
	for name, request := range requests {
		prefixed := corev1.DefaultResourceRequestsPrefix + name
		switch {
		case isCPUOrMemory(name), name == corev1.ResourceEphemeralStorage, isHugePages(name):
			usage[name], usage[prefixed] = request, request
		case isExtended(name), isDeviceClass(name):
			usage[prefixed] = request
		}
	}
	for name, limit := range limits {
		if isCPUOrMemory(name) || name == corev1.ResourceEphemeralStorage {
			usage["limits."+name] = limit
		}
	}
	return usage
}
