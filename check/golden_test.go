package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise.dev/reprise/policy"
)

var update = flag.Bool("update", false, "write the golden files")

// mixed are a sound workload, one that is denied twice, one that is exempt and one that a broken
// rule cannot judge.
const mixed = "testdata/mixed.yaml"

func mixedReport(t *testing.T) Report {
	t.Helper()
	content, err := os.ReadFile(mixed)
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := Read(mixed, content)
	if err != nil {
		t.Fatal(err)
	}
	broken := policy.Module{File: "broken.rego", Rego: `package broken
deny contains "never" if {
	input.metadata.name == "unclear"
	k8s.quantity.compare(input.metadata.name, "1") > 0
}`}
	overrides := policy.Overrides{
		Rules: []policy.Override{{Policy: "mutable-image-tag", Enforcement: policy.EnforceDryRun}},
		Exemptions: []policy.Exemption{{
			Policy: "requests-within-limits", Namespace: "shop", Workload: "legacy", Reason: "moves, in spring: 100%",
			Expires: time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC),
		}},
	}
	report, err := Run(t.Context(), Options{
		Warnings:  []policy.Warning{{Source: "team", File: "team/p.rego", Line: 2, Problem: "deny is never true: 100%", Fix: "remove it"}},
		Manifests: manifests, Engine: shipped(t, overrides, broken), Namespaces: &NamespaceData{}, Namespace: "shop",
		Now: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestReport_Write(t *testing.T) {
	report := mixedReport(t)
	for name, color := range map[string]bool{"human": false, "color": true, "json": false, "junit": false, "github": false, "sarif": false, "table": false, "tap": false} {
		format := Format(name)
		if color {
			format = Human
		}
		var got bytes.Buffer
		if err := report.Write(&got, format, color); err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", "golden", name), got.String())
	}
	if err := report.Write(&bytes.Buffer{}, "yaml", false); err == nil {
		t.Error("an unknown format is written")
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}

// TestRun_TutorialSteps: what score-k8s wrote for the exercise is evaluated as its readers expect.
func TestRun_TutorialSteps(t *testing.T) {
	const broken = "containers.frontend.resources.requests.memory: request 250Mi exceeds the limit 200Mi; lower the request to 200Mi or raise the limit to 250Mi"
	folder := filepath.Join("..", "test", "testdata", "score", "tutorial")
	for step, want := range map[string][]string{
		"1-healthy": nil, "2-broken": {broken}, "3-fixed-limit": nil, "4-fixed-request": nil, "5-bad-image": nil, "6-crashloop": nil, "7-failing-probe": nil,
	} {
		report := reportOnFile(t, filepath.Join(folder, step, "manifests.yaml"))
		if diff := cmp.Diff(want, report.Workloads[0].lines(denied)); diff != "" {
			t.Errorf("%s: denials differ (-want +got):\n%s", step, diff)
		}
	}
}

func reportOnFile(t *testing.T, file string) Report {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return reportOn(t, string(content), "")
}

// scoreFixtures holds what score-k8s wrote, and what a real API server said to it. It is not part
// of this repository.
const scoreFixtures = "../../shared/score"

// TestRun_DeniesWhatTheAPIServerRejected compares what is said without a cluster with what a real
// API server said.
func TestRun_DeniesWhatTheAPIServerRejected(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(scoreFixtures, "index.json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the Score fixtures (%s) are not here: what the real API server said cannot be compared", scoreFixtures)
	}
	if err != nil {
		t.Fatal(err)
	}
	var fixtures []struct {
		Name   string `json:"name"`
		OK     bool   `json:"ok"`
		Server struct {
			Verdict string   `json:"verdict"`
			Errors  []string `json:"errors"`
		} `json:"server"`
	}
	if err := json.Unmarshal(text, &fixtures); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, f := range fixtures {
		content, err := os.ReadFile(filepath.Join(scoreFixtures, f.Name, "manifests.yaml"))
		if !f.OK || err != nil || !strings.Contains(string(content), "kind: Deployment") {
			continue
		}
		denied := strings.Contains(strings.Join(f.Server.Errors, " "), "The Deployment")
		report := reportOn(t, string(content), "")
		compared++
		if (report.Decision() == policy.Deny) != denied || report.Decision() == policy.Unknown {
			t.Errorf("%s: %s, the API server said %v", f.Name, report.Decision(), f.Server.Errors)
		}
	}
	t.Logf("%d fixtures compared", compared)
	if compared < 100 {
		t.Errorf("only %d fixtures were compared", compared)
	}
}
