package deployers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// helmUpgrade is `helm upgrade --install` of a chart that holds the manifest and nothing else.
func helmUpgrade(flags ...string) func(p place, m manifest) (string, error) {
	return func(p place, m manifest) (string, error) {
		dir := p.TempDir()
		for path, content := range map[string]string{
			"Chart.yaml":                "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n",
			"templates/deployment.yaml": string(m.yaml()),
		} {
			path = filepath.Join(dir, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return "", err
			}
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				return "", err
			}
		}
		args := append([]string{"upgrade", "--install", name, dir, "--namespace", p.namespace}, flags...)
		cmd := exec.CommandContext(p.Context(), helm, args...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+shared.Kubeconfig(),
			"HELM_CACHE_HOME="+dir, "HELM_CONFIG_HOME="+dir, "HELM_DATA_HOME="+dir)
		said, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("helm upgrade: %w", err)
		}
		return string(said), err
	}
}
