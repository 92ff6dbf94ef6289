package policy

import (
	"regexp"
	"strconv"
	"strings"
)

// A containerPath is a Deployment's path that leads into one container.
var containerPath = regexp.MustCompile(`^spec\.template\.spec\.(containers|initContainers)\[(\d+)\](.*)$`)

// scoreField words a Deployment's path as a Score file does: containers by
// their name instead of their position, and a map's key like a field.
// spec.template.spec.containers[0].resources.limits[memory] becomes
// containers.frontend.resources.limits.memory. A path that leads into no known
// container stays as it is. template is the pod or pod template as decoded.
func scoreField(path string, template map[string]any) string {
	match := containerPath.FindStringSubmatch(path)
	if match == nil {
		return path
	}
	name, found := containerName(template, match[1], match[2])
	if !found {
		return path
	}
	return match[1] + "." + name + strings.NewReplacer("[", ".", "]", "").Replace(match[3])
}

func containerName(template map[string]any, list, position string) (string, bool) {
	spec, _ := template["spec"].(map[string]any)
	containers, _ := spec[list].([]any)
	index, err := strconv.Atoi(position)
	if err != nil || index >= len(containers) {
		return "", false
	}
	container, _ := containers[index].(map[string]any)
	name, _ := container["name"].(string)
	return name, name != ""
}
