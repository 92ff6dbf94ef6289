package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// InstallCertManagerCRDs installs cert-manager's definitions, of the version that the product knows.
func (c *Cluster) InstallCertManagerCRDs(ctx context.Context) error {
	objects, err := certManagerCRDs(ctx)
	if err != nil {
		return err
	}
	return c.Apply(ctx, "", objects)
}

func certManagerCRDs(ctx context.Context) ([]*unstructured.Unstructured, error) {
	root, err := RepositoryRoot()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/cert-manager/cert-manager")
	cmd.Dir = filepath.Join(root, "test")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("finding cert-manager's module: %w", err)
	}
	pattern := filepath.Join(strings.TrimSpace(string(out)), "deploy", "crds", "*cert-manager.io_*.yaml")
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("finding cert-manager's definitions: nothing matches %s", pattern)
	}
	var objects []*unstructured.Unstructured
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if objects, err = appendObjects(objects, file, data); err != nil {
			return nil, err
		}
	}
	return objects, nil
}
