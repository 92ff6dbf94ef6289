package effective

import (
	corev1 "k8s.io/api/core/v1"
)

// Rule names what a violation is about. The list is closed.
type Rule string

// The rules. The API server comes to them in the order of ruleOrder.
const (
	// RuleQuantity: a quantity is beyond the range of quantities. The API server has no such rule.
	RuleQuantity Rule = "quantity-out-of-range"
	// RuleServiceAccount: the pod's ServiceAccount does not exist.
	RuleServiceAccount Rule = "service-account-missing"
	// RulePriorityClass: the pod's PriorityClass does not exist or contradicts it.
	RulePriorityClass Rule = "priority-class"
	// RuleRuntimeClass: the pod's RuntimeClass does not exist or contradicts it.
	RuleRuntimeClass Rule = "runtime-class"
	// RuleRequestOverLimit: a container asks for more than its own limit.
	RuleRequestOverLimit Rule = "request-over-limit"
	// RuleOvercommit: a resource that cannot be overcommitted (extended resources
	// and huge pages) has a request without an equal limit.
	RuleOvercommit Rule = "overcommit"
	// RuleResourceName: a resource's name or amount is not valid where it stands.
	RuleResourceName Rule = "resource-invalid"
	// RulePodResources: the pod-level resources contradict themselves or the containers.
	RulePodResources Rule = "pod-resources"
	// RuleLimitRangeMin, RuleLimitRangeMax and RuleLimitRangeRatio: a LimitRange's bound is broken.
	RuleLimitRangeMin   Rule = "limit-range-min"
	RuleLimitRangeMax   Rule = "limit-range-max"
	RuleLimitRangeRatio Rule = "limit-range-ratio"
	// RulePodSecurity: the level that the namespace enforces forbids the pod.
	RulePodSecurity Rule = "pod-security"
	// RuleOverhead: the pod states an overhead that no RuntimeClass sets.
	RuleOverhead Rule = "overhead"
	// RuleQuotaDemand: a quota demands that every container states a request or limit.
	RuleQuotaDemand Rule = "quota-demand"
	// RuleQuotaExceeded: the pod does not fit into what is left of a quota.
	RuleQuotaExceeded Rule = "quota-exceeded"
	// RuleQuotaUncounted: a quota applies whose usage was not counted yet; until then the API server
	// rejects every pod that it applies to.
	RuleQuotaUncounted Rule = "quota-uncounted"
	// RuleConfigMap: a ConfigMap that the pod cannot start without does not exist.
	// The API server does not object; the kubelet does. It is never Exact.
	RuleConfigMap Rule = "config-map-missing"
)

// Cause is the object that makes the API server object, or that supplied a value.
// The zero value stands for the template itself.
type Cause struct {
	Kind Kind
	Name string
}

// Violation is one reason why the template's pods would not be created (or, for
// RuleConfigMap, not started).
type Violation struct {
	Rule Rule
	// Field is the path inside the Pod, as the API server writes it, such as
	// spec.containers[0].resources.requests. Prefix "spec.template." for the
	// Deployment's. It is empty where the pod as a whole is meant.
	Field string
	// Container is the container's name, empty for the pod as a whole.
	Container string
	// Resource is the resource's name as the container states it, such as memory;
	// for quotas it is the quota's, such as limits.memory.
	Resource corev1.ResourceName
	// Requested and Allowed are the two values that contradict each other, in the
	// form in which the API server holds them; empty where there are none.
	Requested, Allowed string
	// Cause is the object behind the violation; the template's own contradictions have none.
	Cause Cause
	// Message is one line, the cause first.
	Message string
	// Fix is one line: what to change.
	Fix string
	// Exact claims that the API server rejects the pod for this very reason, now.
	// It names one reason at a time: the first in the order of the rules.
	Exact bool
	// Transient tells that the violation may pass without a change to the template
	// or to its cause: a quota that other pods fill, a ServiceAccount yet to come.
	Transient bool
}

// Unknown is a question that could not be answered.
type Unknown struct {
	// Kind is the kind of object that would have answered it.
	Kind Kind
	// Reason is one line.
	Reason string
}
