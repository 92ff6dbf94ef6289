package chart

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/internal/config"
)

// generated is the template that controller-gen writes: make verify keeps it fresh, and it is as
// long as all the rest.
const generated = "# Source: reprise/templates/reprise.dev_workloadrevisions.yaml\n"

func TestTheChartRendersAsItDid(t *testing.T) {
	for name, values := range sets(t) {
		t.Run(name, func(t *testing.T) {
			var kept []string
			for _, document := range strings.Split(render(t, values), "---\n") {
				if document != "" && !strings.HasPrefix(document, generated) {
					kept = append(kept, document)
				}
			}
			got := strings.Join(kept, "---\n")
			golden := filepath.Join("testdata", "golden", name+".yaml")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("go -C test test ./e2e/chart -run AsItDid -update writes it anew (-want +got)\n%s", d)
			}
		})
	}
}

func TestEverySetHasAGoldenFileAndNoOtherIsThere(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	known := sets(t)
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".yaml"); known[name] == "" {
			t.Errorf("%s is of no values", file)
		}
	}
}

func TestTheChartIsLinted(t *testing.T) {
	for name, values := range sets(t) {
		t.Run(name, func(t *testing.T) {
			if out, errs, ok := helm(t, "lint", "--strict", folder, "-n", namespace, "-f", values); !ok || strings.Contains(out, "[WARNING]") {
				t.Errorf("helm lint: %s%s", out, errs)
			}
		})
	}
}

// TestTheProcessReadsWhatTheChartWrites: the schema of the values and the check of the
// configuration agree.
func TestTheProcessReadsWhatTheChartWrites(t *testing.T) {
	for name, values := range sets(t) {
		t.Run(name, func(t *testing.T) {
			var object struct {
				Data map[string]string
			}
			for _, document := range strings.Split(render(t, values), "---\n") {
				if strings.HasPrefix(document, "# Source: reprise/templates/configmap.yaml\n") {
					if err := yaml.Unmarshal([]byte(document), &object); err != nil {
						t.Fatal(err)
					}
				}
			}
			got, err := config.Parse([]byte(object.Data["config.yaml"]))
			if err != nil {
				t.Fatal(err)
			}
			want := config.Default()
			for _, c := range []*config.Config{&got, &want} {
				slices.Sort(c.ProtectedNamespaces)
			}
			if d := cmp.Diff(want, got); d != "" && name == "single" {
				t.Errorf("the chart's defaults are not those of the process (-process +chart)\n%s", d)
			}
			if name == "everything" {
				// Ten keys, two overrides and an exemption.
				if differs := config.Changes(want, got); len(differs) < 13 {
					t.Errorf("not every key is another than the default: %v", differs)
				}
			}
		})
	}
}

func TestPodsRestartOnlyForWhatTheyReadAtTheirStart(t *testing.T) {
	deployment := func(set string) string {
		t.Helper()
		out, errs, ok := helm(t, "template", release, folder, "-n", namespace, "-f", "testdata/values/existing.yaml",
			"--set", set, "--show-only", "templates/deployment.yaml")
		if !ok {
			t.Fatalf("helm template: %s", errs)
		}
		return out
	}
	before := deployment("replicaCount=2")
	for set, restarts := range map[string]bool{
		"defaults.bakeTime=5s":   false,
		"history.maxPerMinute=5": false,
		"policies.overrides[0].policy=limits-missing,policies.overrides[0].enforcement=deny": false,
		"rollback.maxConcurrent=5":    true,
		"rollback.requests=false":     true,
		"protectedNamespaces={istio}": true,
		"webhook.failurePolicy=Fail":  true,
	} {
		if got := deployment(set) != before; got != restarts {
			t.Errorf("--set %s restarts pods: %t, want %t", set, got, restarts)
		}
	}
}
