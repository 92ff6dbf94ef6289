package policy

import (
	"fmt"
	"strconv"
	"strings"

	"reprise.dev/reprise/workload"
)

// itemNames are the keys that name a list's item, in the order of preference.
var itemNames = []string{"name", "mountPath", "containerPort"}

// scoreField returns the Score file's name for a path in a Deployment, with list items by name
// instead of position: spec.template.spec.containers[0].resources.limits[memory] becomes
// containers.frontend.resources.limits.memory. object is the decoded Deployment.
func scoreField(path string, object map[string]any) string {
	parts := split(path)
	names := make([]string, 0, len(parts))
	var at any = object
	for i, part := range parts {
		name := part
		if list, isList := at.([]any); isList {
			name, at = item(list, part, i > 0 && parts[i-1] == "volumeMounts")
		} else {
			fields, _ := at.(map[string]any)
			at = fields[part]
		}
		names = append(names, name)
	}
	return workload.ScoreField(names)
}

// split splits a path at dots and brackets. Text in brackets may contain dots.
func split(path string) []string {
	var parts []string
	for path != "" {
		if rest, inBrackets := strings.CutPrefix(path, "["); inBrackets {
			key, after, _ := strings.Cut(rest, "]")
			parts, path = append(parts, key), strings.TrimPrefix(after, ".")
			continue
		}
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		parts, path = append(parts, path[:end]), strings.TrimPrefix(path[end:], ".")
	}
	return parts
}

// item returns the name and the value of a list's item at a position.
func item(list []any, position string, byPath bool) (string, any) {
	index, err := strconv.Atoi(position)
	if err != nil || index < 0 || index >= len(list) {
		return position, nil
	}
	fields, _ := list[index].(map[string]any)
	keys := itemNames
	if byPath {
		keys = itemNames[1:] // Score keys volumes by their paths.
	}
	for _, key := range keys {
		if value, found := fields[key]; found {
			return fmt.Sprint(value), list[index]
		}
	}
	return position, list[index]
}
