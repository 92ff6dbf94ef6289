# METADATA
# title: Memory limits missing
# description: >-
#   A container without a memory limit may use up its node's memory, and the
#   kubelet then evicts others with it. A limit that a LimitRange supplies counts.
#   CPU limits are not demanded: they only slow down. Off unless an install turns
#   it on.
# custom:
#   enforcement: "off"
#   early: false
#   fix: Set resources.limits.memory.
package reprise.limits_missing

deny contains violation if {
	some kind in {"containers", "initContainers"}
	some index, container in input.effective.pod.spec[kind]
	not container.resources.limits.memory
	not input.effective.pod.spec.resources.limits.memory
	violation := {
		"field": sprintf("spec.template.spec.%s[%d].resources.limits[memory]", [kind, index]),
		"msg": "there is no memory limit",
		"fix": "set one",
	}
}
