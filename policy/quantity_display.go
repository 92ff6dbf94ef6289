package policy

import (
	"reprise.dev/reprise/internal/quantity"
)

// displayAsWritten replaces quantities in a pod by the template's spelling of the same value: 0.5Gi
// where the API server will store 512Mi. Both are decoded objects, and the pod is changed.
func displayAsWritten(pod any, template map[string]any) {
	for _, list := range []string{"containers", "initContainers"} {
		written := listIn(template, "spec", list)
		for i, container := range listIn(pod, "spec", list) {
			if i < len(written) {
				respellResources(container, written[i])
			}
		}
	}
	respellResources(at(pod, "spec"), at(template, "spec"))
}

// respellResources does so for the resources of a container or of the pod.
func respellResources(held, written any) {
	for _, kind := range []string{"requests", "limits"} {
		amounts, _ := at(held, "resources", kind).(map[string]any)
		spelled, _ := at(written, "resources", kind).(map[string]any)
		for name, amount := range amounts {
			if own, stated := spelled[name]; stated && quantity.Equal(own, amount) {
				amounts[name] = own
			}
		}
	}
}

// at returns the value at a path of keys in decoded objects; nil if there is none.
func at(object any, keys ...string) any {
	for _, key := range keys {
		fields, _ := object.(map[string]any)
		object = fields[key]
	}
	return object
}

func listIn(object any, keys ...string) []any {
	list, _ := at(object, keys...).([]any)
	return list
}
