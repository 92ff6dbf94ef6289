// Package integration tests against a real API server what the design takes for granted of it, and the
// product's parts that talk to it.
package integration

import (
	"os"
	"testing"

	"reprise.dev/reprise/test/harness/cluster"
)

// shared serves all tests of the package; each works in namespaces of its own.
var shared *cluster.Cluster

func TestMain(m *testing.M) {
	os.Exit(cluster.Serve(m, cluster.Options{}, func(c *cluster.Cluster) { shared = c }))
}
