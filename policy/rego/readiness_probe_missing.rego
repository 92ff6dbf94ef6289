# METADATA
# title: Readiness probe missing
# description: >-
#   Without a readiness probe in any container, a pod is ready as soon as its
#   processes have started: it gets traffic before it can serve, and a rollout is
#   well although nothing works.
# custom:
#   enforcement: warn
#   early: false
#   fix: Add a readinessProbe to the container that serves.
package reprise.readiness_probe_missing

deny contains violation if {
	containers[0]
	not probed
	violation := {
		"field": "spec.template.spec.containers",
		"msg": "no container has a readiness probe, so pods count as ready as soon as their processes start",
		"fix": "add a readinessProbe to the container that serves",
	}
}

containers := input.effective.pod.spec.containers

probed if {
	some container in containers
	container.readinessProbe
}
