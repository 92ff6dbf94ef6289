package reprise.quantity_out_of_range_test

import data.reprise.quantity_out_of_range as rule

test_a_violation_is_told if {
	some violation in rule.deny with input as found("quantity-out-of-range")
	violation == {"field": "spec.template.spec.overhead[cpu]", "msg": "too much", "fix": "less"}
}

test_other_violations_are_not_told if {
	count(rule.deny) == 0 with input as found("overhead")
}

found(name) := {"effective": {"violations": [{
	"rule": name,
	"field": "spec.overhead[cpu]",
	"message": "too much",
	"fix": "less",
}]}}
