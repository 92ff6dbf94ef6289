package effective

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"reprise.dev/reprise/internal/quantity"
)

// isHugePages reports whether a resource is one of the huge page sizes.
func isHugePages(name corev1.ResourceName) bool {
	return strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix)
}

// isNative reports whether a resource is Kubernetes' own, not an extended one
// (pkg/apis/core/helper/helpers.go IsNativeResource).
func isNative(name corev1.ResourceName) bool {
	return !strings.Contains(string(name), "/") || strings.Contains(string(name), corev1.ResourceDefaultNamespacePrefix)
}

// isExtended reports whether a resource is an extended one, such as
// example.com/gpu (pkg/apis/core/helper/helpers.go IsExtendedResourceName).
func isExtended(name corev1.ResourceName) bool {
	return !isNative(name) && !strings.HasPrefix(string(name), corev1.DefaultResourceRequestsPrefix) &&
		len(validation.IsQualifiedName(corev1.DefaultResourceRequestsPrefix+string(name))) == 0
}

// isDeviceClass reports whether a resource stands for a DRA device class.
func isDeviceClass(name corev1.ResourceName) bool {
	return strings.HasPrefix(string(name), resourcev1.ResourceDeviceClassPrefix)
}

// mayOvercommit reports whether requests of a resource may be lower than its limit
// (pkg/apis/core/helper/helpers.go IsOvercommitAllowed).
func mayOvercommit(name corev1.ResourceName) bool {
	return isNative(name) && !isHugePages(name)
}

// isCPUOrMemory reports whether a resource decides the pod's quality of service.
func isCPUOrMemory(name corev1.ResourceName) bool {
	return name == corev1.ResourceCPU || name == corev1.ResourceMemory
}

// containerNameProblem returns why a container may not state a resource of that
// name, or nothing (pkg/apis/core/validation/validation.go ValidateContainerResourceName).
func containerNameProblem(name corev1.ResourceName) string {
	switch {
	case isCPUOrMemory(name), name == corev1.ResourceEphemeralStorage:
		return ""
	case len(validation.IsQualifiedName(string(name))) > 0:
		return "is not a qualified name"
	case isHugePages(name), isNative(name) && strings.Contains(string(name), "/"), isExtended(name):
		return ""
	case isNative(name):
		return "is not a resource that containers have"
	default:
		return "is not a valid name for an extended resource"
	}
}

// podNameProblem returns why a resource of that name may not stand at pod level, or
// nothing (pkg/apis/core/validation/validation.go validatePodResourceName).
func podNameProblem(name corev1.ResourceName) string {
	if isCPUOrMemory(name) || isHugePages(name) && len(validation.IsQualifiedName(string(name))) == 0 {
		return ""
	}
	return "is not supported at pod level"
}

// quantityProblem returns why a quantity is not one of that resource, or nothing
// (pkg/apis/core/validation/validation.go ValidateResourceQuantityValue,
// validateResourceQuantityHugePageValue).
func quantityProblem(name corev1.ResourceName, amount resource.Quantity) string {
	switch {
	case amount.Sign() < 0:
		return "is negative"
	case isHugePages(name) && !isWholePages(name, amount):
		return "is not a multiple of the page size"
	case !isNative(name) && amount.MilliValue()%1000 != 0 && isExtended(name):
		return "is not a whole number"
	}
	return ""
}

// isWholePages reports whether an amount of huge pages is a multiple of their size.
func isWholePages(name corev1.ResourceName, amount resource.Quantity) bool {
	size, err := quantity.Parse(strings.TrimPrefix(string(name), corev1.ResourceHugePagesPrefix))
	if err != nil || size.Sign() <= 0 || size.MilliValue()%1000 != 0 {
		return false
	}
	return amount.Value()%size.Value() == 0
}
