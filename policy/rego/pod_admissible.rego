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

deny contains violation(objection) if {
	some objection in objections
	lasting(objection)
}

warn contains violation(objection) if {
	some objection in objections
	not lasting(objection)
}

lasting(objection) if {
	objection.exact
	not objection.transient
}

# A missing ConfigMap is never more than a warning, so not knowing it changes nothing.
cannot_tell contains reason if {
	some unknown in input.effective.cannotTell
	unknown.kind != "ConfigMap"
	reason := sprintf("%s: %s", [unknown.kind, unknown.reason])
}

objections contains objection if {
	some objection in input.effective.objections
	not worded_elsewhere(objection)
}

# The rule config-map-missing has its own name, and requests-within-limits words every request over its limit, and so also
# that of a resource which cannot be overcommitted.
worded_elsewhere(objection) if objection.rule == "request-over-limit"

worded_elsewhere(objection) if objection.rule == "config-map-missing"

worded_elsewhere(objection) if {
	objection.rule == "overcommit"
	objection.requested != ""
	objection.allowed != ""
	k8s.quantity.compare(objection.requested, objection.allowed) > 0
}

violation(objection) := {
	"field": field(objection),
	"msg": objection.message,
	"fix": objection.fix,
}

field(objection) := "" if objection.field == ""

field(objection) := sprintf("spec.template.%s", [objection.field]) if objection.field != ""
