# METADATA
# title: Requests within limits
# description: >-
#   A container may not request more of a resource than its limit allows: the API
#   server refuses such a pod. A limit that the manifest does not state may come
#   from a LimitRange of the namespace; the message then names it.
# custom:
#   enforcement: deny
#   early: true
#   fix: Lower the request, or raise the limit.
package reprise.requests_within_limits

deny contains violation(excess) if {
	some excess in excesses
	not uncertain(excess)
}

warn contains violation(excess) if {
	some excess in excesses
	uncertain(excess)
}

excesses contains excess if {
	some kind in {"containers", "initContainers"}
	some index, container in input.effective.pod.spec[kind]
	some resource, request in container.resources.requests
	limit := container.resources.limits[resource]
	k8s.quantity.compare(request, limit) > 0
	excess := {
		"container": container.name,
		"resource": resource,
		"request": request,
		"limit": limit,
		"path": sprintf("spec.%s[%d].resources", [kind, index]),
	}
}

# Of several LimitRanges the API server takes any: then the limit is a guess.
uncertain(excess) if {
	some found in input.effective.violations
	found.rule == "request-over-limit"
	found.container == excess.container
	found.resource == excess.resource
	not found.exact
}

violation(excess) := {
	"field": sprintf("spec.template.%s.requests[%s]", [excess.path, excess.resource]),
	"msg": sprintf("request %v%s exceeds the limit %v%s", [
		excess.request, origin(excess, "request"),
		excess.limit, origin(excess, "limit"),
	]),
	"fix": sprintf("lower the request to %v or %s", [excess.limit, raise(excess)]),
}

# origin names the object that supplied a value which the manifest does not state.
default origin(_, _) := ""

origin(excess, which) := text if {
	cause := supplied(excess, which)
	text := sprintf(" (default %s of %s %s)", [which, cause.kind, cause.name])
}

raise(excess) := sprintf("set a limit of %v", [excess.request]) if supplied(excess, "limit")

raise(excess) := sprintf("raise the limit to %v", [excess.request]) if not supplied(excess, "limit")

supplied(excess, which) := input.effective.defaultedFrom[sprintf("%s.%ss[%s]", [excess.path, which, excess.resource])]
