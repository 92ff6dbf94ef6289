package workload

import (
	"slices"
	"strings"
)

// scoreNames maps a container's fields to their names in Score where these differ (score.dev/v1b1:
// containers.*.variables, containers.*.volumes, which are keyed by the path in the container).
var scoreNames = map[string]string{"env": "variables", "volumeMounts": "volumes"}

// leadingFields are the paths below which a Deployment has a Score file's top-level fields, and the
// names that replace them.
var leadingFields = []struct{ path, name []string }{
	{[]string{"spec", "template", "spec"}, nil},
	{[]string{"spec", "template", "metadata"}, []string{"template"}},
	{[]string{"spec"}, nil},
	{[]string{"metadata"}, nil},
}

// ScoreField returns the name of a Deployment's field in its Score file, where Score has the field:
// containers.<name>.image, .variables.<NAME>, .volumes.<path>, .resources, .command, .args, probes.
// Other fields lose their leading parts. The path is given in parts, with the name of each list
// item.
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
