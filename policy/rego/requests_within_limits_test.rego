package reprise.requests_within_limits_test

import data.reprise.requests_within_limits as rule

test_request_over_limit_is_denied if {
	some violation in rule.deny with input as pod({"requests": {"memory": "250Mi"}, "limits": {"memory": "200Mi"}})
	violation == {
		"field": "spec.template.spec.containers[0].resources.requests[memory]",
		"msg": "request 250Mi exceeds the limit 200Mi",
		"fix": "lower the request to 200Mi or raise the limit to 250Mi",
	}
}

test_a_supplied_limit_is_named_with_its_origin if {
	in_namespace := json.patch(
		pod({"requests": {"memory": "250Mi"}, "limits": {"memory": "200Mi"}}),
		[{
			"op": "add",
			"path": "/effective/defaultedFrom/spec.containers[0].resources.limits[memory]",
			"value": {"kind": "LimitRange", "name": "mem-defaults"},
		}],
	)
	some violation in rule.deny with input as in_namespace
	violation.msg == "request 250Mi exceeds the limit 200Mi (default limit of LimitRange mem-defaults)"
	violation.fix == "lower the request to 200Mi or set a limit of 250Mi"
}

test_an_uncertain_limit_only_warns if {
	uncertain := json.patch(
		pod({"requests": {"memory": "250Mi"}, "limits": {"memory": "200Mi"}}),
		[{
			"op": "add",
			"path": "/effective/violations/-",
			"value": {"rule": "request-over-limit", "container": "main", "resource": "memory", "exact": false},
		}],
	)
	count(rule.deny) == 0 with input as uncertain
	count(rule.warn) == 1 with input as uncertain
}

test_quantities_are_compared_not_spelled if {
	count(rule.deny) == 0 with input as pod({"requests": {"memory": "1Gi"}, "limits": {"memory": "1024Mi"}})
	count(rule.deny) == 1 with input as pod({"requests": {"memory": "1Gi"}, "limits": {"memory": "1G"}})
	count(rule.deny) == 1 with input as pod({"requests": {"cpu": 1}, "limits": {"cpu": "240m"}})
	count(rule.deny) == 1 with input as pod({"requests": {"memory": "1Ei"}, "limits": {"memory": "1Pi"}})
}

test_nothing_to_compare_is_no_violation if {
	count(rule.deny) == 0 with input as pod({})
	count(rule.deny) == 0 with input as pod({"requests": {"memory": "1Gi"}})
	count(rule.deny) == 0 with input as pod({"limits": {"memory": "1Gi"}})
	count(rule.deny) == 0 with input as pod({"requests": {"memory": "1Gi"}, "limits": {"cpu": "1m"}})
}

test_init_containers_are_judged_too if {
	resources := {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}
	init := {"effective": {
		"pod": {"spec": {"initContainers": [{"name": "migrate", "resources": resources}], "containers": []}},
		"defaultedFrom": {},
		"violations": [],
	}}
	some violation in rule.deny with input as init
	violation.field == "spec.template.spec.initContainers[0].resources.requests[cpu]"
}

pod(resources) := {"effective": {
	"pod": {"spec": {"containers": [{"name": "main", "resources": resources}]}},
	"defaultedFrom": {},
	"violations": [],
}}
