package diff

import "strings"

// The ranks of changes: how likely each is the reason that a rollout failed.
const (
	rankImage = iota
	rankCommand
	rankVariables
	rankFiles
	rankResources
	rankProbes
	rankRest
	rankMetadata
)

// ranks are those of a container's fields.
var ranks = map[string]int{
	"":               rankImage, // The container itself came or went.
	"image":          rankImage,
	"command":        rankCommand,
	"args":           rankCommand,
	"variables":      rankVariables,
	"envFrom":        rankVariables,
	"files":          rankFiles,
	"resources":      rankResources,
	"livenessProbe":  rankProbes,
	"readinessProbe": rankProbes,
	"startupProbe":   rankProbes,
}

// rank orders a field in Score's terms. Names of containers hold no dots.
func rank(field string) int {
	parts := append(strings.SplitN(field, ".", 4), "", "")
	switch parts[0] {
	case "containers", "initContainers":
		if r, known := ranks[parts[2]]; known {
			return r
		}
		return rankRest
	case "resources":
		return rankResources
	case "labels", "annotations", "template":
		return rankMetadata
	default:
		return rankRest
	}
}
