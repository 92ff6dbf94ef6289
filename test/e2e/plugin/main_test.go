// Package plugin drives kubectl reprise, as it is built for users, against the real control plane
// with the product running: what people and CI jobs type, and what they see.
package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// shared serves all tests of the package; each works in namespaces of its own.
var shared *cluster.Cluster

// tools is the folder of what is built.
var tools string

func TestMain(m *testing.M) { os.Exit(serve(m)) }

func serve(m *testing.M) int {
	var err error
	if tools, err = os.MkdirTemp("", "reprise-plugin-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(tools)
	return cluster.Serve(m, cluster.Options{}, func(c *cluster.Cluster) {
		shared = c
		_ = build() // Now, so that no test waits for it. Each test that needs it reports its error.
	})
}

// running is the one instance of Reprise that the tests of the package share.
var running = sync.OnceValues(func() (*product.Instance, error) { return product.Serve(shared, nil, shared.InstallGatewayCRDs) })

// pluginVersion is the release that the plugin is built as.
const pluginVersion = "7.1.2"

// build puts kubectl and the plugin into the folder of the tools, as a user has them on the PATH.
var build = sync.OnceValue(func() error {
	plugin, errPlugin := product.Build(context.Background(), os.Stderr, product.Plugin, pluginVersion)
	root, errRoot := cluster.RepositoryRoot()
	if err := errors.Join(errPlugin, errRoot); err != nil {
		return err
	}
	completion := filepath.Join(root, "cmd", "kubectl-reprise", "kubectl_complete-reprise")
	return errors.Join(
		os.Symlink(plugin, filepath.Join(tools, "kubectl-reprise")),
		os.Symlink(shared.KubectlPath(), filepath.Join(tools, "kubectl")),
		os.Symlink(completion, filepath.Join(tools, filepath.Base(completion))),
	)
})

// withoutReprise is a place on an API server of its own, which knows nothing of Reprise.
func withoutReprise(t *testing.T) (place, *cluster.Cluster) {
	t.Helper()
	bare, err := cluster.Start(t.Context(), cluster.Options{ControlPlaneOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bare.Stop(); err != nil {
			t.Error(err)
		}
	})
	return place{Place: product.Place{T: t, Cluster: bare, Namespace: "default"}, kubeconfig: bare.Kubeconfig()}, bare
}
