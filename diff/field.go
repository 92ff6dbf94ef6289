package diff

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// scoreNames are a container's fields whose names differ in Score (score.dev/v1b1: containers.*.variables,
// containers.*.volumes, which are keyed by the path in the container).
var scoreNames = map[string]string{"env": "variables", "volumeMounts": "volumes"}

// leading are the places where a Deployment keeps what a reader names more shortly.
var leading = []struct{ path, name []string }{
	{[]string{"spec", "template", "spec"}, nil},
	{[]string{"spec", "template", "metadata"}, []string{"template"}},
	{[]string{"spec"}, nil},
	{[]string{"metadata"}, nil},
}

// scoreField names a path of a Deployment as its Score file does where Score has the field
// (containers.<name>.image, .variables.<NAME>, .volumes.<path>, .resources, .command, .args, probes), and
// otherwise without the leading parts.
func scoreField(path fieldpath.Path) string {
	parts := make([]string, len(path))
	for i, element := range path {
		parts[i] = elementName(element)
	}
	for _, l := range leading {
		if len(parts) > len(l.path) && slices.Equal(parts[:len(l.path)], l.path) {
			parts = slices.Concat(l.name, parts[len(l.path):])
			break
		}
	}
	if len(parts) > 2 && (parts[0] == "containers" || parts[0] == "initContainers") {
		if name, ok := scoreNames[parts[2]]; ok {
			parts[2] = name
		}
	}
	return strings.Join(parts, ".")
}

// elementName names a field by its name, and a list's item by its name where it has one, else by its keys.
func elementName(element fieldpath.PathElement) string {
	switch {
	case element.FieldName != nil:
		return *element.FieldName
	case element.Key != nil:
		var keys []string
		for _, field := range *element.Key {
			value := fmt.Sprint(field.Value.Unstructured())
			if field.Name == "name" {
				return value
			}
			if field.Name != "protocol" || value != defaultProtocol {
				keys = append(keys, value)
			}
		}
		return strings.Join(keys, "/")
	case element.Value != nil:
		return fmt.Sprint((*element.Value).Unstructured())
	default:
		return element.String()
	}
}

// lastName is the name of what stands at a path itself.
func lastName(path fieldpath.Path) string {
	if len(path) == 0 {
		return ""
	}
	return elementName(path[len(path)-1])
}
