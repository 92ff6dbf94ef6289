// Package onnode installs the product by Helm on a real node, where the API server calls its pods
// by their Service, and upgrades, renews, rolls back and uninstalls it under load.
package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/layout"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/load"
	"reprise.dev/reprise/test/harness/node"
	"reprise.dev/reprise/tools/release/compile"
	"reprise.dev/reprise/tools/release/image"
	"reprise.dev/reprise/tools/release/stamp"
)

// shared serves all tests; nil where no node can run.
var shared *node.Node

func TestMain(m *testing.M) {
	options := node.Options{Prepare: prepare, Cluster: cluster.Options{AuditPolicy: load.AuditPolicy}}
	os.Exit(node.Serve(m, options, func(n *node.Node) { shared = n }))
}

// The versions that are installed, one after the other.
const (
	first  = "1.0.0"
	second = "1.0.1"
)

// prepare builds the images that the node is to run, as they are released, and what runs beside it.
func prepare(ctx context.Context, folder string) error {
	root, err := cluster.RepositoryRoot()
	if err != nil {
		return err
	}
	for _, version := range []string{first, second} {
		released := stamp.Stamp{Version: version, Commit: "0000000", Time: time.Unix(0, 0).UTC()}
		index, err := image.Build(ctx, os.Stderr, root, released, compile.Platform{OS: "linux", Arch: runtime.GOARCH})
		if err != nil {
			return err
		}
		if _, err := layout.Write(filepath.Join(folder, version), index); err != nil {
			return fmt.Errorf("keeping the image %s: %w", version, err)
		}
	}
	_, err = cluster.Binaries(ctx, os.Stderr, cluster.Helm, cluster.CertManager)
	return err
}

// push has the registry hold both images, which the chart's pods pull.
func push(t *testing.T) {
	t.Helper()
	for _, version := range []string{first, second} {
		index, err := layout.ImageIndexFromPath(filepath.Join(shared.Prepared, version))
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		one, err := index.Image(manifest.Manifests[0].Digest)
		if err != nil {
			t.Fatal(err)
		}
		if err := shared.Registry.Push(t.Context(), "reprise.dev/reprise:"+version, one); err != nil {
			t.Fatal(err)
		}
	}
}
