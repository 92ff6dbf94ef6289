package story

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"
)

// Versions are those of all that must fit.
type Versions struct {
	// Plugin is the version that the plugin was built from, Cluster that of the API server.
	Plugin  string `json:"plugin"`
	Cluster string `json:"cluster"`
	// Reprise is the version that runs in the cluster, as its Lease in the namespace Install says it;
	// empty where that says none, or cannot be read.
	Reprise string `json:"reprise,omitempty"`
	Install string `json:"-"`
	// Known is the version of Revisions that the plugin reads, Revisions are those that the cluster
	// serves.
	Known     string   `json:"known"`
	Revisions []string `json:"revisions"`
}

// Incompatibility returns which versions are not compatible and what to do. It is empty where all
// are.
func (v Versions) Incompatibility() string {
	switch {
	case len(v.Revisions) == 0:
		return "the cluster serves no WorkloadRevisions: Reprise is not installed in it; install the chart charts/reprise"
	case !slices.Contains(v.Revisions, v.Known):
		return fmt.Sprintf("this plugin reads WorkloadRevisions %s, and the cluster serves %s: use the plugin of the installed release", v.Known, strings.Join(v.Revisions, ", "))
	}
	plugin, running := released(v.Plugin), released(v.Reprise)
	if plugin == nil || running == nil || plugin.Major() == running.Major() && plugin.Minor() == running.Minor() {
		return "" // What was built of no release is not held against anything.
	}
	older := "the plugin is older than Reprise"
	if running.LessThan(plugin) {
		older = "Reprise is older than the plugin"
	}
	return fmt.Sprintf("%s, and one may not understand what the other writes: use the plugin of release %s", older, v.Reprise)
}

// released returns the version of a release, nil where it is none.
func released(text string) *version.Version {
	v, err := version.ParseSemantic(text)
	if err != nil || v.PreRelease() != "" {
		return nil
	}
	return v
}

// Page returns the versions, a line each, and what is not compatible.
func (v Versions) Page() string {
	served := strings.Join(v.Revisions, ", ")
	if served == "" {
		served = "none"
	}
	running := cmp.Or(v.Reprise, "unknown: its Lease does not exist, or names no version")
	text := fmt.Sprintf("Plugin:     %s, reads WorkloadRevisions %s\n", v.Plugin, v.Known) +
		fmt.Sprintf("Reprise:    %s (namespace %s)\n", running, v.Install) +
		fmt.Sprintf("Cluster:    %s\nRevisions:  %s\n", v.Cluster, served)
	if misfit := v.Incompatibility(); misfit != "" {
		text += misfit + "\n"
	}
	return text
}
