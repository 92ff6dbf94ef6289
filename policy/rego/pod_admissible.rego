# METADATA
# title: Pod admissible
# description: >-
#   What the API server would refuse at the Pod (LimitRange bounds, quotas,
#   PodSecurity, a missing RuntimeClass, PriorityClass or ServiceAccount), it lets
#   through at the Deployment, and then only a ReplicaSet hears of it. Denied is
#   what it certainly refuses now; what it may refuse, or what keeps the pod from
#   starting, is a warning.
# custom:
#   enforcement: deny
#   early: false
#   fix: Change the field that the message names, or the object that forbids it.
package reprise.pod_admissible

deny contains violation(objection) if {
	some objection in objections
	objection.exact
}

warn contains violation(objection) if {
	some objection in objections
	not objection.exact
}

# A missing ConfigMap is never more than a warning, so not knowing it changes nothing.
cannot_tell contains reason if {
	some unknown in input.effective.cannotTell
	unknown.kind != "ConfigMap"
	reason := sprintf("%s: %s", [unknown.kind, unknown.reason])
}

# The rule requests-within-limits words this one.
objections contains objection if {
	some objection in input.effective.objections
	objection.rule != "request-over-limit"
}

violation(objection) := {
	"field": field(objection),
	"msg": objection.message,
	"fix": objection.fix,
}

field(objection) := "" if objection.field == ""

field(objection) := sprintf("spec.template.%s", [objection.field]) if objection.field != ""
