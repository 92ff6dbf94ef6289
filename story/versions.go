package story

import (
	"fmt"
	"slices"
	"strings"
)

// Versions are those of all that must fit.
type Versions struct {
	// Plugin is the version that the plugin was built from, Cluster that of the API server.
	Plugin  string `json:"plugin"`
	Cluster string `json:"cluster"`
	// Known is the version of Revisions that the plugin reads, Revisions are those that the cluster serves.
	Known     string   `json:"known"`
	Revisions []string `json:"revisions"`
}

// Misfit says what does not fit, and what to do; empty where all does.
func (v Versions) Misfit() string {
	switch {
	case len(v.Revisions) == 0:
		return "the cluster serves no Revisions: Reprise is not installed in it; install the chart charts/reprise"
	case !slices.Contains(v.Revisions, v.Known):
		return fmt.Sprintf("this plugin reads Revisions %s, and the cluster serves %s: use the plugin of the installed release", v.Known, strings.Join(v.Revisions, ", "))
	default:
		return ""
	}
}

// Page lists the versions, and what does not fit.
func (v Versions) Page() string {
	served := strings.Join(v.Revisions, ", ")
	if served == "" {
		served = "none"
	}
	text := fmt.Sprintf("Plugin:     %s, reads Revisions %s\nCluster:    %s\nRevisions:  %s\n", v.Plugin, v.Known, v.Cluster, served)
	if misfit := v.Misfit(); misfit != "" {
		text += misfit + "\n"
	}
	return text
}
