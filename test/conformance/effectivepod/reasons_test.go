package effectivepod

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"reprise.dev/reprise/effective"
)

// stages are the admission plugins in the API server's order; the first that
// objects answers. What validation objects to comes between the third and the fourth.
var stages = [][]effective.Rule{
	{effective.RuleServiceAccount},
	{effective.RulePriorityClass},
	{effective.RuleRuntimeClass},
	{effective.RuleLimitRangeMin, effective.RuleLimitRangeMax, effective.RuleLimitRangeRatio},
	{effective.RulePodSecurity},
	{effective.RuleOverhead},
	{effective.RuleQuotaDemand, effective.RuleQuotaUncounted, effective.RuleQuotaExceeded},
}

// forbiddenTexts are the texts one of which the API server's refusal holds, if
// what was told is right: of the first stage, one for each object that may
// answer. They are upstream's wording, put together from the violations' data.
func forbiddenTexts(told []effective.Violation) []string {
	for _, rules := range stages {
		byCause := map[effective.Cause][]effective.Violation{}
		for _, o := range told {
			if slices.Contains(rules, o.Rule) {
				byCause[o.Cause] = append(byCause[o.Cause], o)
			}
		}
		if len(byCause) == 0 {
			continue
		}
		var texts []string
		for _, cause := range slices.SortedFunc(maps.Keys(byCause), func(a, b effective.Cause) int { return cmp.Compare(a.Name, b.Name) }) {
			texts = append(texts, stageTexts(byCause[cause])...)
		}
		return texts
	}
	return nil
}

// stageTexts are the texts of one stage about one object.
func stageTexts(violations []effective.Violation) []string {
	first := violations[0]
	switch first.Rule {
	case effective.RuleServiceAccount:
		return []string{fmt.Sprintf("serviceaccount %q not found", first.Requested)}
	case effective.RulePriorityClass:
		return priorityTexts(first)
	case effective.RuleRuntimeClass:
		return runtimeClassTexts(first)
	case effective.RuleOverhead:
		return []string{"Pod Overhead set without corresponding RuntimeClass defined Overhead"}
	case effective.RulePodSecurity:
		return podSecurityTexts(violations)
	case effective.RuleQuotaDemand, effective.RuleQuotaUncounted, effective.RuleQuotaExceeded:
		return []string{quotaText(violations)}
	default:
		return []string{limitRangeText(violations)}
	}
}

func priorityTexts(o effective.Violation) []string {
	switch o.Field {
	case "spec.priority":
		return []string{fmt.Sprintf("the integer value of priority (%s) must not be provided in pod spec; priority admission controller computed %s", o.Requested, o.Allowed)}
	case "spec.preemptionPolicy":
		return []string{fmt.Sprintf("the string value of PreemptionPolicy (%s) must not be provided in pod spec; priority admission controller computed %s", o.Requested, o.Allowed)}
	}
	return []string{fmt.Sprintf("no PriorityClass with name %s was found", o.Requested)}
}

func runtimeClassTexts(o effective.Violation) []string {
	switch o.Field {
	case "spec.runtimeClassName":
		return []string{fmt.Sprintf("RuntimeClass %q not found", o.Requested)}
	case "spec.overhead":
		return []string{"Pod's Overhead doesn't match RuntimeClass's defined Overhead"}
	}
	key := strings.TrimSuffix(strings.TrimPrefix(o.Field, "spec.nodeSelector["), "]")
	return []string{fmt.Sprintf("conflict: runtimeClass.scheduling.nodeSelector[%s] = %s; pod.spec.nodeSelector[%s] = %s", key, o.Allowed, key, o.Requested)}
}

// podSecurityTexts is what PodSecurity says: all failed checks, in its own order,
// which does not change.
func podSecurityTexts(violations []effective.Violation) []string {
	var details []string
	for _, o := range violations {
		_, detail, _ := strings.Cut(o.Message, " enforces PodSecurity "+o.Allowed+": ")
		details = append(details, detail)
	}
	return []string{fmt.Sprintf("violates PodSecurity %q: ", violations[0].Allowed) + strings.Join(details, ", ")}
}

// quotaText is what one quota says: the demands of all containers, or all that is exceeded.
func quotaText(violations []effective.Violation) string {
	name := violations[0].Cause.Name
	switch violations[0].Rule {
	case effective.RuleQuotaUncounted:
		return "status unknown for quota: " + name
	case effective.RuleQuotaExceeded:
		var requested []string
		for _, o := range violations {
			requested = append(requested, fmt.Sprintf("%s=%s", o.Resource, o.Requested))
		}
		return fmt.Sprintf("exceeded quota: %s, requested: %s, used: ", name, strings.Join(requested, ","))
	}
	demanded := map[string][]string{}
	for _, o := range violations {
		if o.Rule == effective.RuleQuotaDemand {
			demanded[string(o.Resource)] = append(demanded[string(o.Resource)], o.Container)
		}
	}
	var parts []string
	for _, resource := range slices.Sorted(maps.Keys(demanded)) {
		parts = append(parts, fmt.Sprintf("%s for: %s", resource, strings.Join(slices.Sorted(slices.Values(demanded[resource])), ",")))
	}
	return fmt.Sprintf("failed quota: %s: must specify %s", name, strings.Join(parts, "; "))
}

// limitRangeText is one thing that a LimitRange says.
func limitRangeText(violations []effective.Violation) string {
	o := violations[0]
	kind := "Container"
	if o.Container == "" {
		kind = "Pod"
	}
	switch {
	case o.Rule == effective.RuleLimitRangeRatio:
		return fmt.Sprintf("%s max limit to request ratio per %s is %s, but ", o.Resource, kind, o.Allowed)
	case o.Requested == "" && o.Rule == effective.RuleLimitRangeMin:
		return fmt.Sprintf("minimum %s usage per %s is %s.  No request is specified", o.Resource, kind, o.Allowed)
	case o.Requested == "":
		return fmt.Sprintf("maximum %s usage per %s is %s.  No limit is specified", o.Resource, kind, o.Allowed)
	}
	what := "minimum"
	if o.Rule == effective.RuleLimitRangeMax {
		what = "maximum"
	}
	list := "limit"
	if strings.HasSuffix(o.Field, "requests") {
		list = "request"
	}
	return fmt.Sprintf("%s %s usage per %s is %s, but %s is %s", what, o.Resource, kind, o.Allowed, list, o.Requested)
}
