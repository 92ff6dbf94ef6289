package monitoring

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// mustHave fails the tests that need Prometheus in the place of skipping them.
var mustHave = flag.Bool("must-have-prometheus", false, "fail where Prometheus cannot be had, in the place of skipping")

// tool is promtool; the test is skipped where it cannot be had.
func tool(t *testing.T) string {
	t.Helper()
	path, err := Find(Tool)
	if err != nil && *mustHave {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return path
}

// played is the part of testdata/alerts.yaml, promtool's tests, that says which alerts are played
// and how.
type played struct {
	Tests []struct {
		AlertRules []struct {
			Alert  string `json:"alertname"`
			Expect []any  `json:"exp_alerts"`
		} `json:"alert_rule_test"`
	} `json:"tests"`
}

func TestEveryAlertIsPlayedFiringAndNot(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var plays played
	if err := yaml.Unmarshal(text, &plays); err != nil {
		t.Fatal(err)
	}
	firing, quiet := map[string]bool{}, map[string]bool{}
	for _, test := range plays.Tests {
		for _, rule := range test.AlertRules {
			(map[bool]map[string]bool{true: firing, false: quiet})[len(rule.Expect) > 0][rule.Alert] = true
		}
	}
	for _, alert := range alerts(t) {
		if !firing[alert.Alert] || !quiet[alert.Alert] {
			t.Errorf("%s: played firing %t, and not firing %t", alert.Alert, firing[alert.Alert], quiet[alert.Alert])
		}
	}
}

func TestPromtoolPassesTheAlerts(t *testing.T) {
	promtool, dir := tool(t), t.TempDir()
	tests, err := os.ReadFile(filepath.Join("testdata", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rules := rendered(t).Rules
	for name, content := range map[string][]byte{"rules.yaml": rules, "alerts.yaml": tests} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("check", "rules", "--lint-fatal", "rules.yaml"); err != nil {
		t.Errorf("promtool check rules: %v\n%s", err, out)
	}
	if out, err := run("test", "rules", "alerts.yaml"); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
}

func TestPromtoolFindsAnAlertThatDoesNotFire(t *testing.T) {
	promtool, dir := tool(t), t.TempDir()
	tests, err := os.ReadFile(filepath.Join("testdata", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.ReplaceAll(string(rendered(t).Rules), "reprise_", "misspelt_")
	for name, content := range map[string][]byte{"rules.yaml": []byte(broken), "alerts.yaml": tests} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), promtool, "test", "rules", "alerts.yaml")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("alerts on metrics that do not exist pass their tests")
	}
	var missed []string
	for _, alert := range alerts(t) {
		if !strings.Contains(string(out), "alertname: "+alert.Alert+",") && strings.Contains(alert.Expr.String(), "reprise_") {
			missed = append(missed, alert.Alert)
		}
	}
	if slices.Sort(missed); len(missed) > 0 {
		t.Errorf("the tests of %q pass on metrics that do not exist:\n%s", missed, out)
	}
}
