package reprise.pod_admissible_test

import data.reprise.pod_admissible as rule

test_a_certain_violation_is_denied if {
	over := object.union(violation, {"exact": true})
	some denied in rule.deny with input as facts([over], [])
	denied == {
		"field": "spec.template.spec.containers[0].resources.limits",
		"msg": "limit 1Gi exceeds the maximum 512Mi of LimitRange bounds",
		"fix": "lower the limit to 512Mi",
	}
	count(rule.warn) == 0 with input as facts([over], [])
}

test_an_uncertain_violation_warns if {
	count(rule.deny) == 0 with input as facts([violation], [])
	count(rule.warn) == 1 with input as facts([violation], [])
}

test_what_may_pass_by_itself_warns if {
	passing := object.union(violation, {"exact": true, "transient": true})
	count(rule.deny) == 0 with input as facts([passing], [])
	count(rule.warn) == 1 with input as facts([passing], [])
}

test_requests_over_limits_are_left_to_their_own_rule if {
	over := object.union(violation, {"rule": "request-over-limit", "exact": true})
	count(rule.deny) == 0 with input as facts([over], [])
}

test_overcommit_is_left_to_it_only_over_the_limit if {
	over := object.union(violation, {"rule": "overcommit", "requested": "2", "allowed": "1", "exact": true})
	under := object.union(over, {"requested": "1", "allowed": "2"})
	unlimited := object.union(over, {"allowed": ""})
	count(rule.deny) == 0 with input as facts([over], [])
	count(rule.deny) == 1 with input as facts([under], [])
	count(rule.deny) == 1 with input as facts([unlimited], [])
}

test_a_violation_to_the_whole_pod_names_no_field if {
	whole := object.union(violation, {"field": "", "exact": true})
	some denied in rule.deny with input as facts([whole], [])
	denied.field == ""
}

test_what_is_not_known_is_no_consent if {
	unknown := {"kind": "LimitRange", "reason": "the cache is not filled yet"}
	rule.cannot_tell == {"LimitRange: the cache is not filled yet"} with input as facts([], [unknown])
}

test_unknown_config_maps_change_nothing if {
	unknown := {"kind": "ConfigMap", "reason": "the cache is not filled yet"}
	count(rule.cannot_tell) == 0 with input as facts([], [unknown])
}

violation := {
	"rule": "limit-range-max",
	"field": "spec.containers[0].resources.limits",
	"message": "limit 1Gi exceeds the maximum 512Mi of LimitRange bounds",
	"fix": "lower the limit to 512Mi",
	"exact": false,
	"transient": false,
}

facts(violations, unknowns) := {"effective": {"violations": violations, "unknown": unknowns}}
