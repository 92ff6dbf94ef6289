package monitoring

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/test/harness/cluster"
)

// Runbook is where the rendered alerts find the runbook.
const Runbook = "https://runbook.example/docs/runbook.md"

// Rendered is what the chart makes for a cluster's monitoring, with all of it enabled.
type Rendered struct {
	// Objects are the manifests, by kind.
	Objects map[string][]byte
	// Rules are the groups of alerts, as Prometheus itself reads them.
	Rules []byte
	// Dashboard is Grafana's.
	Dashboard Dashboard
}

// Dashboard is what the tests read of Grafana's model.
type Dashboard struct {
	Title  string  `json:"title"`
	Panels []Panel `json:"panels"`
}

// Panel is one of a dashboard's; a row has no targets.
type Panel struct {
	ID      int      `json:"id"`
	Type    string   `json:"type"`
	Title   string   `json:"title"`
	Targets []Target `json:"targets"`
	GridPos GridPos  `json:"gridPos"`
}

// GridPos is where a panel stands, of 24 columns.
type GridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// Target is one query of a panel.
type Target struct {
	Expr string `json:"expr"`
}

// Query is the target's expression with Grafana's variables as for a range of an hour.
func (t Target) Query() string {
	return strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h").Replace(t.Expr)
}

// Render renders the chart by Helm's engine.
func Render() (Rendered, error) {
	root, err := cluster.RepositoryRoot()
	if err != nil {
		return Rendered{}, err
	}
	chart, err := loader.LoadDir(filepath.Join(root, "charts", "reprise"))
	if err != nil {
		return Rendered{}, fmt.Errorf("loading the chart: %w", err)
	}
	on := map[string]any{"enabled": true, "labels": map[string]any{"release": "monitoring"}}
	values := map[string]any{
		"metrics": map[string]any{
			"serviceMonitor": on, "dashboards": on,
			"rules": map[string]any{"enabled": true, "labels": on["labels"], "runbookURL": Runbook},
		},
	}
	options := common.ReleaseOptions{Name: "reprise", Namespace: "reprise-system", IsInstall: true}
	rendering, err := util.ToRenderValues(chart, values, options, common.DefaultCapabilities)
	if err != nil {
		return Rendered{}, fmt.Errorf("checking values: %w", err)
	}
	files, err := engine.Render(chart, rendering)
	if err != nil {
		return Rendered{}, fmt.Errorf("rendering the chart: %w", err)
	}
	return read(files["reprise/templates/monitoring.yaml"])
}

// read takes the manifests apart.
func read(manifests string) (Rendered, error) {
	r := Rendered{Objects: map[string][]byte{}}
	for _, manifest := range strings.Split(manifests, "\n---\n") {
		var object struct {
			Kind string            `json:"kind"`
			Spec json.RawMessage   `json:"spec"`
			Data map[string]string `json:"data"`
		}
		if err := yaml.Unmarshal([]byte(manifest), &object); err != nil {
			return r, fmt.Errorf("reading what was rendered: %w\n%s", err, manifest)
		}
		r.Objects[object.Kind] = []byte(manifest)
		switch object.Kind {
		case "PrometheusRule":
			rules, err := yaml.JSONToYAML(object.Spec)
			if err != nil {
				return r, fmt.Errorf("reading the rules: %w", err)
			}
			r.Rules = rules
		case "ConfigMap":
			if err := json.Unmarshal([]byte(object.Data["reprise.json"]), &r.Dashboard); err != nil {
				return r, fmt.Errorf("reading the dashboard: %w", err)
			}
		}
	}
	return r, nil
}
