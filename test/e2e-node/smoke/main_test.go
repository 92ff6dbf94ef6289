// Package smoke plays a deploy, a crash and what kubectl shows of it on a real node.
package smoke

import (
	"os"
	"testing"

	"reprise.dev/reprise/test/harness/node"
)

// shared serves all tests; nil where no node can run.
var shared *node.Node

func TestMain(m *testing.M) {
	os.Exit(node.Serve(m, node.Options{}, func(n *node.Node) { shared = n }))
}
