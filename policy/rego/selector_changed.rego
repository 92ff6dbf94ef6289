# METADATA
# title: Selector changed
# description: >-
#   A Deployment's selector cannot be changed. Score's selector holds the instance,
#   a random name that score-k8s keeps in the folder .score-k8s: where a CI job loses
#   that folder, every run makes a new instance, and no apply succeeds again.
# custom:
#   enforcement: deny
#   early: true
#   fix: Keep the selector as it is, or delete the Deployment first.
package reprise.selector_changed

instance := "app.kubernetes.io/instance"

old := input.request.oldObject.spec.selector

new := input.request.object.spec.selector

changed if {
	input.request.operation == "UPDATE"
	old != new
}

deny contains violation if {
	changed
	lost_state
	violation := {
		"field": sprintf("spec.selector.matchLabels[%s]", [instance]),
		"msg": sprintf(
			"the instance changed from %s to %s, and a Deployment's selector cannot change: score-k8s lost its state, the folder .score-k8s",
			[old.matchLabels[instance], new.matchLabels[instance]],
		),
		"fix": sprintf(
			"restore .score-k8s from the run that made %s and keep it between runs (commit or cache it); without it, delete the Deployment before applying",
			[old.matchLabels[instance]],
		),
	}
}

deny contains violation if {
	changed
	not lost_state
	violation := {
		"field": "spec.selector",
		"msg": sprintf("it changed from %s to %s, and a Deployment's selector cannot change", [
			json.marshal(old),
			json.marshal(new),
		]),
		"fix": "put the old selector back, or delete the Deployment before applying",
	}
}

# Only the instance differs.
lost_state if {
	old.matchLabels[instance] != new.matchLabels[instance]
	json.remove(old, [["matchLabels", instance]]) == json.remove(new, [["matchLabels", instance]])
}
