package diff

import (
	"maps"
	"slices"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// tree is an intent as JSON has it: raw as it was given, bare without the API server's defaults.
type tree struct {
	raw, bare map[string]any
}

// find finds what stands at a path. Bare holds a little that raw may lack: what an unnamed volume
// is, and a port's protocol.
func (t tree) find(path fieldpath.Path) (any, bool) {
	if value, found := lookup(t.raw, path); found {
		return value, true
	}
	return lookup(t.bare, path)
}

// shown returns what to show of a value found: structures without defaults.
func (t tree) shown(path fieldpath.Path, value any) any {
	switch value.(type) {
	case map[string]any, []any, repeated:
		if bare, found := lookup(t.bare, path); found {
			return bare
		}
	}
	return value
}

type pair struct {
	old, new tree
}

// at turns one compared path into the changes that a person would name: a structure that came or
// went as a whole counts once, at its top, and an environment variable counts as one whatever it is
// made of.
func (p pair) at(path fieldpath.Path) []Change {
	path = wholeVariable(path).Copy()
	for depth := 1; depth < len(path); depth++ {
		prefix := path[:depth]
		old, inOld := p.old.find(prefix)
		new, inNew := p.new.find(prefix)
		// The items of a list that came as a whole are named one by one.
		whole := path[depth].Key == nil && (!inOld || !inNew)
		if whole || isRepeated(old) || isRepeated(new) {
			return p.between(prefix)
		}
	}
	return p.between(path)
}

// between compares the values at one path, and goes on into what the API takes as one piece but a
// person reads by key, such as a selector.
func (p pair) between(path fieldpath.Path) []Change {
	old, inOld := p.old.find(path)
	new, inNew := p.new.find(path)
	change := Change{Field: scoreField(path), Path: path.String()[1:]}
	switch {
	case !inOld && !inNew:
		return nil
	case !inOld:
		change.Kind = Added
	case !inNew:
		change.Kind = Removed
	default:
		change.Kind = Modified
		if same(path, old, new) || same(path, p.old.shown(path, old), p.new.shown(path, new)) {
			return nil
		}
		oldMap, newMap := structure(path, p.old.shown(path, old)), structure(path, p.new.shown(path, new))
		if oldMap != nil && newMap != nil {
			return p.byKey(path, oldMap, newMap)
		}
	}
	change.Old, change.New = display(path, p.old.shown(path, old)), display(path, p.new.shown(path, new))
	return []Change{change}
}

func (p pair) byKey(path fieldpath.Path, old, new map[string]any) []Change {
	keys := maps.Clone(old)
	maps.Copy(keys, new)
	var changes []Change
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		changes = append(changes, p.between(append(path.Copy(), fieldpath.PathElement{FieldName: &key}))...)
	}
	return changes
}

// structure returns a value with fields of its own; an environment variable is none.
func structure(path fieldpath.Path, value any) map[string]any {
	fields, _ := value.(map[string]any)
	if isVariable(path) {
		return nil
	}
	return fields
}

// display returns a value as a change holds it.
func display(path fieldpath.Path, value any) any {
	if fields, ok := value.(map[string]any); ok && isVariable(path) {
		value = variable(fields)
	}
	if items, ok := value.(repeated); ok {
		value = []any(items)
	}
	return maskValue(lastName(path), value)
}

// variable returns the value of an environment variable, or where it comes from.
func variable(fields map[string]any) any {
	if source, ok := fields["valueFrom"]; ok {
		return source
	}
	if value, ok := fields["value"]; ok {
		return value
	}
	return ""
}

// isVariable reports whether a path names an environment variable.
func isVariable(path fieldpath.Path) bool {
	last := len(path) - 1
	return last > 0 && path[last].Key != nil && isField(path[last-1], "env")
}

// wholeVariable cuts a path at an environment variable.
func wholeVariable(path fieldpath.Path) fieldpath.Path {
	for i := range path {
		if isVariable(path[:i+1]) {
			return path[:i+1]
		}
	}
	return path
}

func isField(element fieldpath.PathElement, name string) bool {
	return element.FieldName != nil && *element.FieldName == name
}
