package cluster

import (
	"os"
	"testing"
)

// shared serves all tests of the package that do not need a cluster of their own.
var shared *Cluster

func TestMain(m *testing.M) {
	os.Exit(Serve(m, Options{}, func(c *Cluster) { shared = c }))
}
