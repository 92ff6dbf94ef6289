# METADATA
# title: Quantity out of range
# description: >-
#   Kubernetes' quantities end at 9223372036854775807. The API server stores larger
#   ones too, but it and every controller then compute with all their digits: with
#   1e3000000, each comparison takes a third of a second.
# custom:
#   enforcement: deny
#   early: true
#   fix: Write an amount that a node can have.
package reprise.quantity_out_of_range

deny contains violation if {
	some found in input.effective.violations
	found.rule == "quantity-out-of-range"
	violation := {
		"field": sprintf("spec.template.%s", [found.field]),
		"msg": found.message,
		"fix": found.fix,
	}
}
