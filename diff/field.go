package diff

import (
	"fmt"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"reprise.dev/reprise/workload"
)

// scoreField returns a path of a Deployment as its Score file names it.
func scoreField(path fieldpath.Path) string {
	parts := make([]string, len(path))
	for i, element := range path {
		parts[i] = elementName(element)
	}
	return workload.ScoreField(parts)
}

// elementName names a field by its name, and a list's item by its name where it has one, else by
// its keys.
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

// lastName returns the name of what stands at a path itself.
func lastName(path fieldpath.Path) string {
	if len(path) == 0 {
		return ""
	}
	return elementName(path[len(path)-1])
}
