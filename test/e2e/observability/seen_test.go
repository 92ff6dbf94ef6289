package observability

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// described is what a page says of a metric, or a process serves.
type described struct{ Type, Labels string }

// documented are the metrics of docs/operations.md.
func documented(t *testing.T) map[string]described {
	t.Helper()
	root, err := cluster.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]described{}
	row := regexp.MustCompile("(?m)^\\| `(reprise_[a-z_]+)` \\| (counter|gauge|histogram) \\| ([^|]*) \\| [^|]+ \\|$")
	for _, match := range row.FindAllStringSubmatch(string(page), -1) {
		all[match[1]] = described{match[2], strings.ReplaceAll(match[3], "`", "")}
	}
	return all
}

// TestTheDocsListWhatIsServed in both directions, with types and labels; and the names keep to the
// conventions.
func TestTheDocsListWhatIsServed(t *testing.T) {
	i := run(t)
	served := map[string]described{}
	for _, text := range []string{i.admitted, metricsOf(t, i.leader)} {
		families := ours(t, text)
		for name, family := range families {
			served[name] = described{strings.ToLower(family.GetType().String()), labelsOf(family)}
		}
		for _, problem := range lint(t, families) {
			t.Errorf("%s: %s", problem.Metric, problem.Text)
		}
	}
	pages := documented(t)
	for name, is := range served {
		if says, found := pages[name]; !found || says != is {
			t.Errorf("%s is served as %+v, docs/operations.md says %+v", name, is, says)
		}
	}
	for name := range pages {
		if _, found := served[name]; !found {
			t.Errorf("docs/operations.md lists %s, which no replica serves", name)
		}
	}
}

func metricsOf(t *testing.T, instance *product.Instance) string {
	t.Helper()
	text, err := get(instance.Metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ours are the families that Reprise names itself.
func ours(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(families, func(name string, _ *dto.MetricFamily) bool { return !strings.HasPrefix(name, "reprise_") })
	return families
}

func labelsOf(family *dto.MetricFamily) string {
	var names []string
	for _, pair := range family.Metric[0].Label {
		names = append(names, pair.GetName())
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func lint(t *testing.T, families map[string]*dto.MetricFamily) []promlint.Problem {
	t.Helper()
	var text bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			t.Fatal(err)
		}
	}
	problems, err := promlint.New(&text).Lint()
	if err != nil {
		t.Fatal(err)
	}
	return problems
}

// TestEachDecisionIsOneLineOfTheLog, whole, with the digest of the policies that Prometheus shows.
func TestEachDecisionIsOneLineOfTheLog(t *testing.T) {
	i := run(t)
	decisions := map[string]int{}
	for _, line := range logged(t, i.admitting, "Decided") {
		decision := fmt.Sprint(line["decision"])
		decisions[decision]++
		for _, key := range []string{"uid", "user", "operation", "namespace", "workload", "dryRun", "phase", "rules", "milliseconds", "policies"} {
			if _, found := line[key]; !found {
				t.Errorf("a line lacks %s: %v", key, line)
			}
		}
		digest := fmt.Sprint(line["policies"])
		if judged := decision != "skipped" && decision != "quarantined"; judged && !strings.Contains(i.admitted, `reprise_policy_set_info{hash="`+digest+`"} 1`) {
			t.Errorf("the log names policies %q, which the metrics do not", digest)
		}
	}
	delete(decisions, "skipped")
	if want := map[string]int{"allowed": 3, "denied": 1, "quarantined": 1, "unchecked": 1}; !maps.Equal(decisions, want) {
		t.Errorf("decisions %v, want %v", decisions, want)
	}
}

// TestEachStepOfARollbackIsOneLineOfTheLog, in order, of one workload.
func TestEachStepOfARollbackIsOneLineOfTheLog(t *testing.T) {
	i := run(t)
	var steps []string
	for _, line := range logged(t, i.leader, "") {
		if line["namespace"] == "shop" && line["workload"] == "sample-app" && line["level"] == "info" {
			step := fmt.Sprint(line["msg"], " ", line["revision"])
			if verdict, found := line["verdict"]; found {
				step += fmt.Sprint(" ", verdict)
			}
			steps = append(steps, step)
		}
	}
	want := []string{
		"Recorded sample-app-1", "Assessed sample-app-1 Healthy", "Recorded sample-app-2", "Assessed sample-app-2 Failed",
		"Rollback begun sample-app-2", "Rollback completed sample-app-2", "Recorded sample-app-3", "Assessed sample-app-3 Healthy",
		"Recovered sample-app-3",
	}
	// The recorder does not wait for the rollback to be closed: its line may come first.
	inOrder := func(steps []string) []string {
		return slices.DeleteFunc(slices.Clone(steps), func(s string) bool { return strings.HasPrefix(s, "Recorded") })
	}
	if !slices.Equal(inOrder(steps), inOrder(want)) || len(steps) != len(want) {
		t.Errorf("steps:\n%s\nwant:\n%s", strings.Join(steps, "\n"), strings.Join(want, "\n"))
	}
}

// logged are the lines of a replica's log, decoded, with a message; all of them where none is
// given.
func logged(t *testing.T, instance *product.Instance, message string) []map[string]any {
	t.Helper()
	text, err := instance.Logs()
	if err != nil {
		t.Fatal(err)
	}
	var lines []map[string]any
	for text := range strings.Lines(text) {
		line := map[string]any{}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Errorf("a line of the log is not JSON: %s", text)
			continue
		}
		if message == "" || line["msg"] == message {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestProfilesAreServedWhereTheyAreAskedForAndNowhereElse, and the probes answer.
func TestProfilesAreServedWhereTheyAreAskedForAndNowhereElse(t *testing.T) {
	i := run(t)
	if i.profiled != nil {
		t.Errorf("profiles: %v", i.profiled)
	}
	for _, address := range []string{i.leader.Metrics, i.leader.Health} {
		if _, err := get(address + "/debug/pprof/"); err == nil {
			t.Errorf("%s serves profiles to everyone", address)
		}
	}
	for _, probe := range []string{"/healthz", "/readyz"} {
		if _, err := get(i.leader.Health + probe); err != nil {
			t.Error(err)
		}
	}
	if text, err := get(i.leader.Health + "/readyz?verbose"); err != nil || !strings.Contains(text, "[+]caches ok") {
		t.Errorf("/readyz?verbose says %q: %v", text, err)
	}
}
