package diff

import (
	"reflect"
	"slices"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"reprise.dev/reprise/internal/quantity"
)

var (
	// quantityMaps are the fields of a Deployment that hold quantities by name (k8s.io/api/core/v1:
	// ResourceList).
	quantityMaps = []string{"limits", "requests", "overhead"}
	// quantityFields are those that hold one (resourceFieldRef.divisor, emptyDir.sizeLimit).
	quantityFields = []string{"divisor", "sizeLimit"}
)

// same reports whether two values at a path mean the same: quantities compare by value.
func same(path fieldpath.Path, a, b any) bool {
	var parent, name string
	if last := len(path) - 1; last >= 0 && path[last].FieldName != nil {
		name = *path[last].FieldName
		if last > 0 && path[last-1].FieldName != nil {
			parent = *path[last-1].FieldName
		}
	}
	return sameValue(parent, name, a, b)
}

func sameValue(parent, name string, a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, value := range a {
			other, ok := b[key]
			if !ok || !sameValue(name, key, value, other) {
				return false
			}
		}
		return true
	case repeated:
		b, ok := b.(repeated)
		return ok && sameValue(parent, name, []any(a), []any(b))
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, func(x, y any) bool { return sameValue(parent, name, x, y) })
	default:
		return reflect.DeepEqual(a, b) ||
			(slices.Contains(quantityMaps, parent) || slices.Contains(quantityFields, name)) && quantity.Equal(a, b)
	}
}
