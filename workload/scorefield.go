package workload

import (
	"slices"
	"strings"
)

// scoreNames are a container's fields whose names differ in Score (score.dev/v1b1:
// containers.*.variables, containers.*.volumes, which are keyed by the path in the container).
var scoreNames = map[string]string{"env": "variables", "volumeMounts": "volumes"}

// leadingFields are the places where a Deployment keeps what a Score file has at its top, and what
// stands for them.
var leadingFields = []struct{ path, name []string }{
	{[]string{"spec", "template", "spec"}, nil},
	{[]string{"spec", "template", "metadata"}, []string{"template"}},
	{[]string{"spec"}, nil},
	{[]string{"metadata"}, nil},
}

// ScoreField returns a field of a Deployment as its Score file names it, where Score has the field:
// containers.<name>.image, .variables.<NAME>, .volumes.<path>, .resources, .command, .args, probes.
// Other fields lose their leading parts. The path is given by its parts, a list's items by their
// names.
func ScoreField(path []string) string {
	names := slices.Clone(path)
	for _, leading := range leadingFields {
		if len(names) > len(leading.path) && slices.Equal(names[:len(leading.path)], leading.path) {
			names = slices.Concat(leading.name, names[len(leading.path):])
			break
		}
	}
	if len(names) > 2 && (names[0] == "containers" || names[0] == "initContainers") {
		if name, differs := scoreNames[names[2]]; differs {
			names[2] = name
		}
	}
	return strings.Join(names, ".")
}
