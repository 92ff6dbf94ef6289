# METADATA
# title: Mutable image tag
# description: >-
#   An image without a tag, or with the tag latest, is whatever its registry holds
#   when a node pulls it: two pods of one revision may run different programs, and a
#   rollback to it may not bring back what ran.
# custom:
#   enforcement: warn
#   early: false
#   fix: Name a version or a digest.
package reprise.mutable_image_tag

deny contains violation if {
	some kind in {"containers", "initContainers"}
	some index, container in input.effective.pod.spec[kind]
	image := container.image
	image != ""
	not contains(image, "@")
	mutable(image)
	violation := {
		"field": sprintf("spec.template.spec.%s[%d].image", [kind, index]),
		"msg": sprintf("%s may change without a deployment", [image]),
		"fix": "name a version or a digest",
	}
}

# What stands before the last slash may hold a port.
last_part(image) := parts[count(parts) - 1] if parts := split(image, "/")

mutable(image) if not contains(last_part(image), ":")

mutable(image) if endswith(last_part(image), ":latest")
