package reprise.readiness_probe_missing_test

import data.reprise.readiness_probe_missing as rule

test_a_pod_without_any_probe_is_told_once if {
	count(rule.deny) == 1 with input as pod([{"name": "a"}, {"name": "b"}])
}

test_one_probe_is_enough if {
	count(rule.deny) == 0 with input as pod([{"name": "a"}, {"name": "b", "readinessProbe": {"httpGet": {"port": 80}}}])
}

test_no_containers_need_no_probe if {
	count(rule.deny) == 0 with input as pod([])
	count(rule.deny) == 0 with input as {"effective": {"pod": {}}}
}

pod(containers) := {"effective": {"pod": {"spec": {"containers": containers}}}}
