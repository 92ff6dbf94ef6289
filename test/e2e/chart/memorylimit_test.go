package chart

import (
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"

	"reprise.dev/reprise/test/harness/cluster"
)

// TestTheChartTellsTheProcessItsMemoryLimit: where there is one.
func TestTheChartTellsTheProcessItsMemoryLimit(t *testing.T) {
	root, err := cluster.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	chart, err := loader.LoadDir(filepath.Join(root, "charts", "reprise"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		resources map[string]any
		told      bool
	}{
		"the default":          {nil, true},
		"without a limit":      {map[string]any{"limits": nil}, false},
		"with another's alone": {map[string]any{"limits": map[string]any{"memory": nil, "cpu": "1"}}, false},
	} {
		values := map[string]any{}
		if test.resources != nil {
			values["resources"] = test.resources
		}
		rendering, err := util.ToRenderValues(chart, values, common.ReleaseOptions{Name: "reprise", Namespace: "reprise-system"}, common.DefaultCapabilities)
		if err != nil {
			t.Fatal(err)
		}
		files, err := engine.Render(chart, rendering)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		deployment := files["reprise/templates/deployment.yaml"]
		told := strings.Contains(deployment, "- --memory-limit=$(MEMORY_LIMIT)") && strings.Contains(deployment, "resource: limits.memory")
		if told != test.told || strings.Contains(deployment, "MEMORY_LIMIT") != test.told {
			t.Errorf("%s: told %t, want %t:\n%s", name, told, test.told, deployment)
		}
	}
}
