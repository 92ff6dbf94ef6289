# METADATA
# title: Duplicate volumes
# description: >-
#   The volumes of a pod need names of their own. score-k8s names the volume of a
#   file after its path, so that two containers with a file, or a volume, at one
#   path make two volumes of one name, which the API server rejects.
# custom:
#   enforcement: deny
#   early: true
#   fix: Give one of the two another path in its container.
package reprise.duplicate_volumes

deny contains violation if {
	some index, volume in volumes
	some earlier, other in volumes
	earlier < index
	other.name == volume.name
	not repeated_before(index, volume.name, earlier)
	violation := {
		"field": sprintf("spec.template.spec.volumes[%d].name", [index]),
		"msg": sprintf("two volumes are named %s%s", [volume.name, users(volume.name)]),
		"fix": "give the file or volume another path in one of the containers: score-k8s names its volume after the path",
	}
}

volumes := input.effective.pod.spec.volumes

# Of three volumes of one name, the second and the third are told once each.
repeated_before(index, name, earlier) if {
	some between, volume in volumes
	between > earlier
	between < index
	volume.name == name
}

mounts(name) := {sprintf("%s at %s", [container.name, mount.mountPath]) |
	some kind in {"containers", "initContainers"}
	some container in input.effective.pod.spec[kind]
	some mount in container.volumeMounts
	mount.name == name
}

users(name) := "" if count(mounts(name)) == 0

users(name) := sprintf(", mounted by %s", [concat(" and ", sort(mounts(name)))]) if count(mounts(name)) > 0
