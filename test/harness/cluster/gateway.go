package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/gateway-api/pkg/consts"
)

// InstallGatewayCRDs installs the Gateway API's definitions: what Score writes holds HTTPRoutes.
func (c *Cluster) InstallGatewayCRDs(ctx context.Context) error {
	root, err := RepositoryRoot()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api")
	cmd.Dir = filepath.Join(root, "test")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("finding the Gateway API's module: %w", err)
	}
	pattern := filepath.Join(strings.TrimSpace(string(out)), "config", "crd", "standard", "gateway.networking.k8s.io_*.yaml")
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		return fmt.Errorf("finding the Gateway API's definitions: nothing matches %s", pattern)
	}
	var objects []*unstructured.Unstructured
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if objects, err = appendObjects(objects, file, data); err != nil {
			return err
		}
	}
	for _, object := range objects {
		if version := object.GetAnnotations()[consts.BundleVersionAnnotation]; version != consts.BundleVersion {
			return fmt.Errorf("the Gateway API's %s is of version %q, the module of %s", object.GetName(), version, consts.BundleVersion)
		}
	}
	definitions := slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool { return rank(o) != rankDefinition })
	return c.Apply(ctx, "", definitions)
}
