package diff

import (
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// unit turns one compared path into the change that a person would name: a structure that came or went as a
// whole counts once, at its top, and an environment variable counts as one whatever it is made of.
func unit(path fieldpath.Path, before, after map[string]any) (Change, bool) {
	path = grouped(path)
	for depth := 1; depth <= len(path); depth++ {
		prefix := path[:depth]
		old, inOld := lookup(before, prefix)
		new, inNew := lookup(after, prefix)
		if inOld && inNew && depth < len(path) {
			continue
		}
		if !inOld && !inNew {
			return Change{}, false
		}
		field := scoreField(prefix)
		change := Change{Field: field, Path: prefix.String()[1:], Old: show(field, old), New: show(field, new)}
		switch {
		case !inOld:
			change.Kind = Added
		case !inNew:
			change.Kind = Removed
		case change.Old == change.New && sameJSON(old, new):
			return Change{}, false
		default:
			change.Kind = Modified
		}
		return change, true
	}
	return Change{}, false
}

// grouped cuts a path at an environment variable.
func grouped(path fieldpath.Path) fieldpath.Path {
	for i := range path {
		if i > 0 && path[i].Key != nil && isField(path[i-1], "env") {
			return path[:i+1]
		}
	}
	return path
}

func isField(element fieldpath.PathElement, name string) bool {
	return element.FieldName != nil && *element.FieldName == name
}

func sameJSON(a, b any) bool { return compactJSON(a) == compactJSON(b) }

// lookup finds the value at a path.
func lookup(value any, path fieldpath.Path) (any, bool) {
	for _, element := range path {
		var found bool
		switch {
		case element.FieldName != nil:
			var object map[string]any
			if object, found = value.(map[string]any); found {
				value, found = object[*element.FieldName]
			}
		case element.Key != nil:
			value, found = item(value, element)
		case element.Value != nil:
			wanted := (*element.Value).Unstructured()
			value, found = wanted, contains(value, wanted)
		case element.Index != nil:
			var list []any
			if list, found = value.([]any); found && *element.Index < len(list) {
				value = list[*element.Index]
			}
		}
		if !found {
			return nil, false
		}
	}
	return value, true
}

func item(value any, element fieldpath.PathElement) (any, bool) {
	list, _ := value.([]any)
	for _, candidate := range list {
		object, ok := candidate.(map[string]any)
		if !ok {
			continue
		}
		matches := true
		for _, key := range *element.Key {
			if fmt.Sprint(object[key.Name]) != fmt.Sprint(key.Value.Unstructured()) {
				matches = false
			}
		}
		if matches {
			return object, true
		}
	}
	return nil, false
}

func contains(value, wanted any) bool {
	list, _ := value.([]any)
	for _, candidate := range list {
		if fmt.Sprint(candidate) == fmt.Sprint(wanted) {
			return true
		}
	}
	return false
}

// show renders a value for a person: scalars as they are, an environment variable by its value, lists of
// scalars as JSON, nothing for larger structures.
func show(field string, value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case map[string]any:
		if scalar, ok := v["value"]; ok && strings.Contains(field, ".variables.") {
			return Mask(field, fmt.Sprint(scalar))
		}
		if source, ok := v["valueFrom"]; ok {
			return compactJSON(source)
		}
		return ""
	case []any:
		return Mask(field, compactJSON(v))
	default:
		return Mask(field, fmt.Sprint(v))
	}
}

// compactJSON renders a value as JSON without the escapes that only browsers need.
func compactJSON(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return ""
	}
	return strings.TrimSpace(text.String())
}
