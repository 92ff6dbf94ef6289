// Package onnode installs the product by Helm on a real node, where the API server calls its pods by their Service, and
// upgrades, renews, rolls back and uninstalls it under load.
package onnode

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"reprise.dev/reprise/test/cluster"
	"reprise.dev/reprise/test/cluster/node"
	"reprise.dev/reprise/test/load"
)

// shared serves all tests; nil where no node can run.
var shared *node.Node

func TestMain(m *testing.M) {
	options := node.Options{Prepare: prepare, Cluster: cluster.Options{AuditPolicy: load.AuditPolicy}}
	os.Exit(node.Serve(m, options, func(n *node.Node) { shared = n }))
}

// prepare builds what the node is to run, and what runs beside it.
func prepare(ctx context.Context, folder string) error {
	root, err := cluster.RepositoryRoot()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-o", filepath.Join(folder, "reprise"), "./cmd/reprise")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building reprise: %w\n%s", err, out)
	}
	_, err = cluster.Binaries(ctx, os.Stderr, cluster.Helm, cluster.CertManager)
	return err
}

// push makes the image of a version, which the chart's pods pull. Versions differ in a variable of the environment only.
func push(t *testing.T, version string) {
	t.Helper()
	image, err := node.NewImage(
		map[string]string{"reprise": filepath.Join(shared.Prepared, "reprise")},
		v1.Config{User: "65532:65532", Entrypoint: []string{"/reprise"}, Env: []string{"VERSION=" + version}},
	)
	if err == nil {
		err = shared.Registry.Push(t.Context(), "reprise.dev/reprise:"+version, image)
	}
	if err != nil {
		t.Fatal(err)
	}
}
