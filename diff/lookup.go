package diff

import (
	"fmt"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// repeated are several items of a list that have the same key: the API server stores them with a
// warning.
type repeated []any

func isRepeated(value any) bool {
	_, ok := value.(repeated)
	return ok
}

// lookup finds the value at a path.
func lookup(value any, path fieldpath.Path) (any, bool) {
	for i, element := range path {
		var found bool
		switch {
		case element.FieldName != nil:
			var object map[string]any
			if object, found = value.(map[string]any); found {
				value, found = object[*element.FieldName]
			}
		case element.Key != nil:
			value, found = item(value, element, i > 0 && isField(path[i-1], "env"))
		case element.Value != nil:
			wanted := (*element.Value).Unstructured()
			value, found = wanted, contains(value, wanted)
		}
		if !found {
			return nil, false
		}
	}
	return value, true
}

// item finds a list's item by its key. Of environment variables with one name the last counts.
func item(value any, element fieldpath.PathElement, lastCounts bool) (any, bool) {
	list, _ := value.([]any)
	key := make(map[string]any, len(*element.Key))
	for _, field := range *element.Key {
		key[field.Name] = field.Value.Unstructured()
	}
	var found repeated
	for _, candidate := range list {
		if object, ok := candidate.(map[string]any); ok && hasKey(object, key) {
			found = append(found, object)
		}
	}
	switch {
	case len(found) == 0:
		return nil, false
	case len(found) == 1 || lastCounts:
		return found[len(found)-1], true
	default:
		return found, true
	}
}

func hasKey(object, key map[string]any) bool {
	for name, wanted := range key {
		value, set := object[name]
		if !set && name == "protocol" {
			value = defaultProtocol
		}
		if value != wanted {
			return false
		}
	}
	return true
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
