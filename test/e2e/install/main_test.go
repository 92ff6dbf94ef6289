// Package install tests the product as an add-on: what Helm does to a cluster, how certificates are
// made and renewed, and what is said where something is amiss.
package install

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/load"
	"reprise.dev/reprise/test/harness/product"
)

// The API server, and the program that the tests run beside it.
var (
	shared *cluster.Cluster
	helm   string
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Minute)
	defer cancel()
	_, err := product.Build(ctx, os.Stderr, product.Program, "")
	var binaries map[string]string
	if err == nil {
		binaries, err = cluster.Binaries(ctx, os.Stderr, cluster.Helm)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	helm = binaries[cluster.Helm]
	return cluster.Serve(m, cluster.Options{ControlPlaneOnly: true, AuditPolicy: load.AuditPolicy}, func(c *cluster.Cluster) { shared = c })
}
