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
	some name, indexes in positions
	count(indexes) > 1
	first := min(indexes)
	some index in indexes
	index != first
	violation := {
		"field": sprintf("spec.template.spec.volumes[%d].name", [index]),
		"msg": sprintf("two volumes are named %s%s", [name, users(name)]),
		"fix": "give the file or volume another path in one of the containers: score-k8s names its volume after the path",
	}
}

# Grouped in one pass: comparing every two of a thousand volumes takes over half a second.
positions[name] contains index if {
	some index, volume in input.effective.pod.spec.volumes
	name := volume.name
}

mounts(name) := {sprintf("%s at %s", [container.name, mount.mountPath]) |
	some kind in {"containers", "initContainers"}
	some container in input.effective.pod.spec[kind]
	some mount in container.volumeMounts
	mount.name == name
}

users(name) := "" if count(mounts(name)) == 0

users(name) := sprintf(", mounted by %s", [concat(" and ", sort(mounts(name)))]) if count(mounts(name)) > 0
