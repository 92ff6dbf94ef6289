package chart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
	"sigs.k8s.io/yaml"
)

// TestThePageOfVersionsNamesWhatCanBeRun: each minor that is built, in the version that is built,
// and the chart's oldest.
func TestThePageOfVersionsNamesWhatCanBeRun(t *testing.T) {
	root := filepath.Join(folder, "..", "..")
	page := read(t, filepath.Join(root, "docs", "versions.md"))
	makefile := read(t, filepath.Join(root, "Makefile"))
	modules, err := filepath.Glob(filepath.Join(root, "test", "harness", "cluster", "binaries", "kubernetes*", "go.mod"))
	if err != nil || len(modules) < 3 {
		t.Fatalf("found %v (%v)", modules, err)
	}
	for _, path := range modules {
		module, err := modfile.Parse(path, []byte(read(t, path)), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, required := range module.Require {
			if version := strings.TrimPrefix(required.Mod.Version, "v"); required.Mod.Path == "k8s.io/kubernetes" && !strings.Contains(page, "| "+version+" |") {
				t.Errorf("docs/versions.md says nothing of %s, which %s builds", version, path)
			}
		}
		if _, minor, older := strings.Cut(filepath.Base(filepath.Dir(path)), "-"); older && !strings.Contains(makefile, minor) {
			t.Errorf("make test-versions leaves %s out", minor)
		}
	}
	var chart struct{ KubeVersion string }
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(folder, "Chart.yaml"))), &chart); err != nil {
		t.Fatal(err)
	}
	oldest := strings.TrimSuffix(strings.TrimPrefix(chart.KubeVersion, ">="), ".0-0")
	if !strings.Contains(page, "Reprise needs Kubernetes **"+oldest+"**") {
		t.Errorf("docs/versions.md does not say that the chart needs %s", oldest)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
