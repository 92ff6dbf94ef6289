package install

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// runHelm runs the real helm and returns what it says.
func runHelm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), helm, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+shared.Kubeconfig(), "HELM_CACHE_HOME="+dir, "HELM_CONFIG_HOME="+dir, "HELM_DATA_HOME="+dir)
	said, err := cmd.CombinedOutput()
	return string(said), err
}

// mustHelm is runHelm that must succeed.
func mustHelm(t *testing.T, args ...string) string {
	t.Helper()
	said, err := runHelm(t, args...)
	if err != nil {
		t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return said
}

// installArgs are those of the one command that installs the chart, under a release and with
// values.
func installArgs(t *testing.T, release, namespace string, values map[string]any) []string {
	t.Helper()
	root, err := cluster.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{release, filepath.Join(root, "charts", "reprise"), "--namespace", namespace, "--create-namespace"}
	if values != nil {
		content, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "values.json")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--values", file)
	}
	return args
}

// installed installs the chart by helm, and removes it at the end of the test with all that it
// leaves.
func installed(t *testing.T, values map[string]any) {
	t.Helper()
	t.Cleanup(func() { cleanUp(t) })
	mustHelm(t, append([]string{"install"}, installArgs(t, product.Release, product.Namespace, values)...)...)
}

// upgraded upgrades it.
func upgraded(t *testing.T, values map[string]any) {
	t.Helper()
	mustHelm(t, append([]string{"upgrade"}, installArgs(t, product.Release, product.Namespace, values)...)...)
}
