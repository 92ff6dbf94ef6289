package diff

import (
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// scoreField names a path of a Deployment as its Score file does where Score has the field
// (containers.<name>.image, .variables.<NAME>, .resources, .command, .args, probes), and otherwise without
// the leading spec.template.spec.
func scoreField(path fieldpath.Path) string {
	parts := make([]string, 0, len(path))
	for i, element := range path {
		switch {
		case element.FieldName != nil && *element.FieldName == "env" && len(parts) > 1 && parts[0] == "containers":
			parts = append(parts, "variables")
		case element.FieldName != nil:
			parts = append(parts, *element.FieldName)
		default:
			parts = append(parts, keyOf(path[i]))
		}
		if len(parts) == 3 && parts[0] == "spec" && parts[1] == "template" && parts[2] == "spec" {
			parts = parts[:0]
		}
	}
	if len(parts) > 1 && parts[0] == "metadata" {
		parts = parts[1:]
	}
	if len(parts) > 2 && parts[0] == "spec" && parts[1] == "template" && parts[2] == "metadata" {
		parts = append([]string{"template"}, parts[3:]...)
	}
	return strings.Join(parts, ".")
}

// keyOf names a list's item by its name where it has one, and by all its keys otherwise.
func keyOf(element fieldpath.PathElement) string {
	if element.Key != nil {
		for _, field := range *element.Key {
			if field.Name == "name" && field.Value.IsString() {
				return field.Value.AsString()
			}
		}
	}
	return strings.Trim(element.String(), "[]")
}
