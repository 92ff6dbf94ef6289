package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// HelmUpgrade runs `helm upgrade --install` with flags, of a chart that holds a manifest and
// nothing else, and returns what it printed. dir is where it may write. Helm is built the first
// time.
func (c *Cluster) HelmUpgrade(ctx context.Context, dir, namespace, release, manifest string, flags ...string) (string, error) {
	for path, content := range map[string]string{
		"Chart.yaml":             "apiVersion: v2\nname: " + release + "\nversion: 1.0.0\n",
		"templates/objects.yaml": manifest,
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return "", err
		}
	}
	paths, err := Binaries(ctx, c.options.Progress, Helm)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, paths[Helm], append([]string{"upgrade", "--install", release, dir, "--namespace", namespace}, flags...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig(), "HELM_CACHE_HOME="+dir, "HELM_CONFIG_HOME="+dir, "HELM_DATA_HOME="+dir)
	said, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("helm upgrade: %w", err)
	}
	return string(said), err
}
