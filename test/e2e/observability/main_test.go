// Package observability runs two replicas of Reprise, plays deploys that are admitted, refused, put
// back and held, and reads what is seen of it: metrics through a real Prometheus, the log, the
// probes and the profiles.
package observability

import (
	"os"
	"testing"

	"reprise.dev/reprise/test/harness/cluster"
)

// shared is the cluster of the package's tests, which share one run of the product too.
var shared *cluster.Cluster

func TestMain(m *testing.M) {
	os.Exit(cluster.Serve(m, cluster.Options{}, func(c *cluster.Cluster) { shared = c }))
}
