package diff

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// inline renders a value for a line: scalars as they are, lists as JSON, structures by what a
// reader looks for.
func inline(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	case map[string]any:
		return essence(value)
	default:
		return compactJSON(value)
	}
}

// essence reports in a few words what a structure is: a container its image, a probe what it asks,
// a reference where it points, anything else its fields.
func essence(fields map[string]any) string {
	if image, ok := fields["image"].(string); ok {
		return "image " + image
	}
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		nested, isMap := fields[key].(map[string]any)
		switch {
		case isMap && key == "httpGet":
			// First, as it says most.
			parts = append([]string{"httpGet " + inline(nested["host"]) + ":" + inline(nested["port"]) + inline(nested["path"])}, parts...)
		case isMap && target(nested) != "":
			parts = append(parts, key+" "+target(nested))
		case isMap && len(nested) == 0:
			parts = append(parts, key)
		case isMap && len(nested) == 1:
			parts = append(parts, key+" "+essence(nested))
		case isMap:
			parts = append(parts, key+" ("+essence(nested)+")")
		default:
			parts = append(parts, key+" "+inline(fields[key]))
		}
	}
	return strings.Join(parts, ", ")
}

// unnamed leaves out of a structure what the field's own name says: an item's key.
func (c Change) unnamed(value any) any {
	fields, ok := value.(map[string]any)
	if !ok {
		return value
	}
	return maps.Collect(func(yield func(string, any) bool) {
		for key, field := range fields {
			if !strings.HasSuffix(c.Field, "."+inline(field)) && !yield(key, field) {
				return
			}
		}
	})
}

// target returns where a structure points that only points: a key of a Secret, a path of the pod, a
// port, a command.
func target(fields map[string]any) string {
	name, key := inline(fields["name"]), inline(fields["key"])
	switch {
	case name != "" && key != "":
		return name + "/" + key
	case len(fields) != 1:
		return ""
	case name != "":
		return name
	case fields["port"] != nil:
		return ":" + inline(fields["port"])
	default:
		return inline(fields["fieldPath"]) + inline(fields["command"]) + inline(fields["secretName"])
	}
}

// compactJSON renders a value as JSON without the escapes that only browsers need.
func compactJSON(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "" // A value that came out of JSON goes back into it.
	}
	return strings.TrimSpace(text.String())
}
