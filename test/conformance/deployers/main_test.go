// Package deployers tests that whoever deploys meets no trace of a rollback: each tool goes on as
// if the bad revision had never been applied.
//
// A cell of the matrix is a deployer and its next step. It plays a story on the real API server (a
// healthy revision, a bad one, Reprise's rollback, the next step) and beside it a control, to which
// the same deployer never applied the bad revision. What is asked for and who owns which field must
// come out equal.
package deployers

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

var whole = flag.Bool("whole", false, "play every cell of the matrix, not only a part that has every deployer and every next step in it")

// shared serves all tests of the package; each works in namespaces of its own.
var shared *cluster.Cluster

// cellsAtOnce is how many cells are played at the same time: they mostly wait for a rollout to
// fail.
const cellsAtOnce = "16"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", cellsAtOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// Helm is built before the tests' time begins.
	if _, err := cluster.Binaries(context.Background(), os.Stderr, cluster.Helm); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(cluster.Serve(m, cluster.Options{}, func(c *cluster.Cluster) { shared = c }))
}

// running is the one instance of Reprise that the tests of the package share.
var running = sync.OnceValues(func() (*product.Instance, error) { return product.Serve(shared, nil, nil) })
