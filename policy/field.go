package policy

import (
	"fmt"
	"strconv"
	"strings"

	"reprise.dev/reprise/workload"
)

// itemNames are the keys by which a list's item is called, the first that it has.
var itemNames = []string{"name", "mountPath", "containerPort"}

// scoreField returns a Deployment's path as a Score file names it, a list's
// items by their names instead of their positions, and a map's key like a field.
// spec.template.spec.containers[0].resources.limits[memory] becomes
// containers.frontend.resources.limits.memory. object is the Deployment as decoded.
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

// split takes a path apart at dots and brackets; what stands in brackets may hold dots.
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

// item is a list's item at a position, and what it is called.
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
