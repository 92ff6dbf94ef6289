package reprise.config_map_missing_test

import data.reprise.config_map_missing as rule
import data.reprise.pod_admissible

test_a_missing_config_map_is_told_once if {
	rule.deny == {{
		"field": "spec.template.spec.volumes[0]",
		"msg": "ConfigMap settings does not exist",
		"fix": "create it",
	}} with input as facts("config-map-missing")
	count(pod_admissible.warn) == 0 with input as facts("config-map-missing")
}

test_other_violations_are_not_its_business if {
	count(rule.deny) == 0 with input as facts("quota-exceeded")
	count(pod_admissible.warn) == 1 with input as facts("quota-exceeded")
}

facts(name) := {"effective": {"violations": [{
	"rule": name,
	"field": "spec.volumes[0]",
	"message": "ConfigMap settings does not exist",
	"fix": "create it",
	"exact": false,
	"transient": true,
}]}}
