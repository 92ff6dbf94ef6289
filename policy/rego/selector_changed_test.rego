package reprise.selector_changed_test

import data.reprise.selector_changed as rule

test_a_lost_state_is_explained if {
	some violation in rule.deny with input as update(labels("shop-aaa"), labels("shop-bbb"))
	violation.field == "spec.selector.matchLabels[app.kubernetes.io/instance]"
	contains(violation.msg, "the instance changed from shop-aaa to shop-bbb")
	contains(violation.msg, ".score-k8s")
	contains(violation.fix, "restore .score-k8s from the run that made shop-aaa")
}

test_another_change_is_named if {
	other := {"matchLabels": {"app": "shop"}}
	some violation in rule.deny with input as update(labels("shop-aaa"), other)
	violation.field == "spec.selector"
	contains(violation.msg, `to {"matchLabels":{"app":"shop"}}`)
}

test_the_same_selector_is_no_violation if {
	count(rule.deny) == 0 with input as update(labels("shop-aaa"), labels("shop-aaa"))
}

test_a_creation_has_no_old_selector if {
	count(rule.deny) == 0 with input as {"request": {
		"operation": "CREATE",
		"object": {"spec": {"selector": labels("shop-aaa")}},
		"oldObject": null,
	}}
}

labels(instance) := {"matchLabels": {"app.kubernetes.io/instance": instance}}

update(old, new) := {"request": {
	"operation": "UPDATE",
	"oldObject": {"spec": {"selector": old}},
	"object": {"spec": {"selector": new}},
}}
