package effective

import "slices"

// ruleOrder is the order in which the API server comes to the rules: mutating
// admission, validation, validating admission; the kubelet's last.
var ruleOrder = [...]Rule{
	RuleQuantity,
	RuleServiceAccount, RulePriorityClass, RuleRuntimeClass,
	RuleResourceName, RuleRequestOverLimit, RuleOvercommit, RulePodResources,
	RuleLimitRangeMin, RuleLimitRangeMax, RuleLimitRangeRatio,
	RulePodSecurity,
	RuleOverhead,
	RuleQuotaDemand, RuleQuotaExceeded, RuleQuotaUncounted,
	RuleConfigMap,
}

// rank returns the rule's place in the API server's order.
func (r Rule) rank() int {
	return slices.Index(ruleOrder[:], r)
}

// Rules returns every rule, in the order in which the API server comes to them. Tests check by it
// that they cover every rule, also those in the module of the suites.
func Rules() []Rule {
	return slices.Clone(ruleOrder[:])
}
