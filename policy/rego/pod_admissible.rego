# METADATA
# title: Pod admissible
# description: >-
#   What the API server would refuse at the Pod (LimitRange bounds, quotas,
#   PodSecurity, a missing RuntimeClass, PriorityClass or ServiceAccount), it lets
#   through at the Deployment, and then only a ReplicaSet hears of it. Denied is
#   what it certainly refuses and will go on refusing; what it may refuse, what may
#   pass by itself (a full quota, an object that is applied after its user), and
#   what keeps the pod from starting is a warning.
# custom:
#   enforcement: deny
#   early: false
#   fix: Change the field that the message names, or the object that forbids it.
package reprise.pod_admissible

deny contains violation(found) if {
	some found in violations
	lasting(found)
}

warn contains violation(found) if {
	some found in violations
	not lasting(found)
}

lasting(found) if {
	found.exact
	not found.transient
}

# A missing ConfigMap is never more than a warning, so not knowing it changes nothing.
cannot_tell contains reason if {
	some unknown in input.effective.unknown
	unknown.kind != "ConfigMap"
	reason := sprintf("%s: %s", [unknown.kind, unknown.reason])
}

violations contains found if {
	some found in input.effective.violations
	not worded_elsewhere(found)
}

# The rules config-map-missing and quantity-out-of-range report these violations. The rule
# requests-within-limits reports each request over its limit, also of a resource that cannot be
# overcommitted.
worded_elsewhere(found) if found.rule == "request-over-limit"

worded_elsewhere(found) if found.rule == "config-map-missing"

worded_elsewhere(found) if found.rule == "quantity-out-of-range"

worded_elsewhere(found) if {
	found.rule == "overcommit"
	found.requested != ""
	found.allowed != ""
	k8s.quantity.compare(found.requested, found.allowed) > 0
}

violation(found) := {
	"field": field(found),
	"msg": found.message,
	"fix": found.fix,
}

field(found) := "" if found.field == ""

field(found) := sprintf("spec.template.%s", [found.field]) if found.field != ""
