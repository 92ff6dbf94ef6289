package effective

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// inScope reports whether all scopes of a quota match the pod (pkg/quota/v1/evaluator/core/pods.go,
// podMatchesScopeFunc).
func (d *podBuilder) inScope(quota *corev1.ResourceQuota) bool {
	for _, scope := range quota.Spec.Scopes {
		all := corev1.ScopedResourceSelectorRequirement{ScopeName: scope, Operator: corev1.ScopeSelectorOpExists}
		if !d.matches(quota.Name, all) {
			return false
		}
	}
	if quota.Spec.ScopeSelector != nil {
		for _, requirement := range quota.Spec.ScopeSelector.MatchExpressions {
			if !d.matches(quota.Name, requirement) {
				return false
			}
		}
	}
	return true
}

func (d *podBuilder) matches(quota string, scope corev1.ScopedResourceSelectorRequirement) bool {
	spec := &d.pod.Spec
	switch scope.ScopeName {
	case corev1.ResourceQuotaScopeTerminating:
		return isTerminating(spec)
	case corev1.ResourceQuotaScopeNotTerminating:
		return !isTerminating(spec)
	case corev1.ResourceQuotaScopeBestEffort:
		return isBestEffort(d.pod)
	case corev1.ResourceQuotaScopeNotBestEffort:
		return !isBestEffort(d.pod)
	case corev1.ResourceQuotaScopePriorityClass:
		return d.matchesPriority(quota, scope)
	case corev1.ResourceQuotaScopeCrossNamespacePodAffinity:
		return reachesOtherNamespaces(spec.Affinity)
	}
	return false
}

func isTerminating(spec *corev1.PodSpec) bool {
	return spec.ActiveDeadlineSeconds != nil && *spec.ActiveDeadlineSeconds >= 0
}

// matchesPriority matches the name of the pod's PriorityClass.
func (d *podBuilder) matchesPriority(quota string, scope corev1.ScopedResourceSelectorRequirement) bool {
	class := d.pod.Spec.PriorityClassName
	if class == "" && d.markUnknown(KindPriorityClass) {
		return false
	}
	if scope.Operator == corev1.ScopeSelectorOpExists {
		return class != ""
	}
	operator := map[corev1.ScopeSelectorOperator]selection.Operator{
		corev1.ScopeSelectorOpIn:           selection.In,
		corev1.ScopeSelectorOpNotIn:        selection.NotIn,
		corev1.ScopeSelectorOpDoesNotExist: selection.DoesNotExist,
	}[scope.Operator]
	requirement, err := labels.NewRequirement(string(scope.ScopeName), operator, scope.Values)
	if err != nil {
		d.unknown = append(d.unknown, Unknown{
			Kind:   KindResourceQuota,
			Reason: fmt.Sprintf("reading the scope selector of ResourceQuota %s: %v", quota, err),
		})
		return false
	}
	set := labels.Set{}
	if class != "" {
		set[string(scope.ScopeName)] = class
	}
	return requirement.Matches(set)
}

// reachesOtherNamespaces reports whether a pod's affinity names other namespaces.
func reachesOtherNamespaces(affinity *corev1.Affinity) bool {
	if affinity == nil {
		return false
	}
	var terms []corev1.PodAffinityTerm
	var weighted []corev1.WeightedPodAffinityTerm
	if a := affinity.PodAffinity; a != nil {
		terms = append(terms, a.RequiredDuringSchedulingIgnoredDuringExecution...)
		weighted = append(weighted, a.PreferredDuringSchedulingIgnoredDuringExecution...)
	}
	if a := affinity.PodAntiAffinity; a != nil {
		terms = append(terms, a.RequiredDuringSchedulingIgnoredDuringExecution...)
		weighted = append(weighted, a.PreferredDuringSchedulingIgnoredDuringExecution...)
	}
	for _, w := range weighted {
		terms = append(terms, w.PodAffinityTerm)
	}
	return slices.ContainsFunc(terms, func(t corev1.PodAffinityTerm) bool {
		return len(t.Namespaces) != 0 || t.NamespaceSelector != nil
	})
}
