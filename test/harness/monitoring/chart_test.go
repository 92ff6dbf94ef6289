package monitoring

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/test/harness/cluster"
)

func rendered(t *testing.T) Rendered {
	t.Helper()
	r, err := Render()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// alerts are the chart's, as the Prometheus Operator's types read them: what they do not know is an
// error.
func alerts(t *testing.T) []monitoringv1.Rule {
	t.Helper()
	rule := monitoringv1.PrometheusRule{}
	if err := yaml.UnmarshalStrict(rendered(t).Objects["PrometheusRule"], &rule); err != nil {
		t.Fatal(err)
	}
	if rule.Labels["release"] != "monitoring" {
		t.Errorf("the labels are %v, without those of the values", rule.Labels)
	}
	var all []monitoringv1.Rule
	for _, group := range rule.Spec.Groups {
		all = append(all, group.Rules...)
	}
	if len(all) == 0 {
		t.Fatal("there are no alerts")
	}
	return all
}

func TestTheServiceMonitorFindsTheMetricsService(t *testing.T) {
	r, monitor := rendered(t), monitoringv1.ServiceMonitor{}
	if err := yaml.UnmarshalStrict(r.Objects["ServiceMonitor"], &monitor); err != nil {
		t.Fatal(err)
	}
	var service struct {
		Metadata struct {
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
		Spec struct {
			Ports []struct {
				Name string `json:"name"`
			} `json:"ports"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(r.Objects["Service"], &service); err != nil {
		t.Fatal(err)
	}
	for key, value := range monitor.Spec.Selector.MatchLabels {
		if service.Metadata.Labels[key] != value {
			t.Errorf("the monitor looks for %s=%s, the Service has %v", key, value, service.Metadata.Labels)
		}
	}
	if len(service.Spec.Ports) != 1 || service.Spec.Ports[0].Name != monitor.Spec.Endpoints[0].Port {
		t.Errorf("the monitor scrapes port %s, the Service has %+v", monitor.Spec.Endpoints[0].Port, service.Spec.Ports)
	}
}

var heading = regexp.MustCompile(`(?m)^#+ (.+)$`)

// anchors are those of a page of docs, as forges make them: in lower case, without signs, a hyphen
// for each space.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	var all []string
	for _, match := range heading.FindAllStringSubmatch(doc(t, page), -1) {
		anchor := strings.ToLower(strings.ReplaceAll(match[1], "`", ""))
		all = append(all, strings.ReplaceAll(regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(anchor, ""), " ", "-"))
	}
	return all
}

func doc(t *testing.T, page string) string {
	t.Helper()
	root, err := cluster.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryAlertSaysWhatItIsAndWhereToReadOn(t *testing.T) {
	known, named := anchors(t, "runbook.md"), []string{}
	for _, alert := range alerts(t) {
		named = append(named, strings.ToLower(alert.Alert))
		for _, key := range []string{"summary", "description"} {
			if alert.Annotations[key] == "" {
				t.Errorf("%s has no %s", alert.Alert, key)
			}
		}
		if !slices.Contains([]string{"warning", "critical"}, alert.Labels["severity"]) {
			t.Errorf("%s has severity %q", alert.Alert, alert.Labels["severity"])
		}
		page, anchor, _ := strings.Cut(alert.Annotations["runbook_url"], "#")
		if page != Runbook || !slices.Contains(known, anchor) || anchor != strings.ToLower(alert.Alert) {
			t.Errorf("%s links to %s#%s: docs/runbook.md has %q", alert.Alert, page, anchor, known)
		}
	}
	for _, anchor := range known {
		if strings.HasPrefix(anchor, "reprise") && !slices.Contains(named, anchor) {
			t.Errorf("docs/runbook.md tells of %s, which is no alert", anchor)
		}
	}
}

func TestTheDashboardsPanelsDoNotLieOnEachOther(t *testing.T) {
	dashboard := rendered(t).Dashboard
	taken, ids := map[string]string{}, map[int]bool{}
	for _, panel := range dashboard.Panels {
		if panel.Title == "" || ids[panel.ID] || panel.GridPos.X+panel.GridPos.W > 24 {
			t.Errorf("panel %+v has no title, another's id, or leaves the page", panel)
		}
		ids[panel.ID] = true
		if (panel.Type == "row") != (len(panel.Targets) == 0) {
			t.Errorf("%s has %d queries", panel.Title, len(panel.Targets))
		}
		for x := range panel.GridPos.W {
			for y := range panel.GridPos.H {
				place := fmt.Sprint(panel.GridPos.X+x, " ", panel.GridPos.Y+y)
				if other, found := taken[place]; found {
					t.Fatalf("%s lies on %s", panel.Title, other)
				}
				taken[place] = panel.Title
			}
		}
	}
}
