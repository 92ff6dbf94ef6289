package reprise.limits_missing_test

import data.reprise.limits_missing as rule

test_a_container_without_a_memory_limit_is_named if {
	rule.deny == {{
		"field": "spec.template.spec.containers[1].resources.limits[memory]",
		"msg": "there is no memory limit",
		"fix": "set one",
	}} with input as pod([limited, {"name": "b", "resources": {"limits": {"cpu": "1"}}}])
}

test_limits_are_enough if {
	count(rule.deny) == 0 with input as pod([limited])
}

test_a_limit_of_the_pod_is_enough if {
	count(rule.deny) == 0 with input as {"effective": {"pod": {"spec": {
		"resources": {"limits": {"memory": "1Gi"}},
		"containers": [{"name": "a"}],
	}}}}
}

limited := {"name": "a", "resources": {"limits": {"memory": "1Gi"}}}

pod(containers) := {"effective": {"pod": {"spec": {"containers": containers}}}}
