// Package chart tests the Helm chart by the real Helm and on the real API server: what it renders,
// whether the API server takes all of it, and with which sentence wrong values fail.
package chart

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"reprise.dev/reprise/test/harness/cluster"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The release as it is installed by the README's command.
const (
	release   = "reprise"
	namespace = "reprise-system"
)

var (
	shared   *cluster.Cluster
	helmPath string
	folder   string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	root, err := cluster.RepositoryRoot()
	if err != nil {
		panic(err)
	}
	built, err := cluster.Binaries(context.Background(), os.Stderr, cluster.Helm)
	if err != nil {
		panic(err)
	}
	folder, helmPath = filepath.Join(root, "charts", "reprise"), built[cluster.Helm]
	if *update { // Golden files need no cluster.
		return m.Run()
	}
	return cluster.Serve(m, cluster.Options{ControlPlaneOnly: true}, func(c *cluster.Cluster) { shared = c })
}

// helm runs the real Helm without a cluster and returns what it says.
func helm(t *testing.T, args ...string) (stdout, stderr string, ok bool) {
	t.Helper()
	var out, errs strings.Builder
	cmd := exec.CommandContext(t.Context(), helmPath, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	// A home of its own: what a machine has set up for Helm is not the chart's.
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home, "KUBECONFIG="+filepath.Join(home, "none"))
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), err == nil
}

// sets are the values that the chart is tested with, by name: each file of testdata/values is one.
func sets(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no values to test with (%v)", err)
	}
	all := map[string]string{}
	for _, file := range files {
		all[strings.TrimSuffix(filepath.Base(file), ".yaml")] = file
	}
	return all
}

// render is the chart with the values of a file, as `helm install` would send it.
func render(t *testing.T, values string) string {
	t.Helper()
	out, errs, ok := helm(t, "template", release, folder, "-n", namespace, "-f", values,
		"--kube-version", "1.37.0", "--api-versions", "cert-manager.io/v1", "--api-versions", "monitoring.coreos.com/v1")
	if !ok {
		t.Fatalf("helm template: %s", errs)
	}
	return out
}
