# METADATA
# title: ConfigMap missing
# description: >-
#   A ConfigMap that a pod refers to and that does not exist keeps the kubelet from
#   starting it; the API server accepts the pod. It may be applied right after the
#   Deployment, so this is a warning.
# custom:
#   enforcement: warn
#   early: false
#   fix: Apply the ConfigMap before the Deployment, or mark the reference optional.
package reprise.config_map_missing

deny contains violation if {
	some found in input.effective.violations
	found.rule == "config-map-missing"
	violation := {
		"field": sprintf("spec.template.%s", [found.field]),
		"msg": found.message,
		"fix": found.fix,
	}
}
