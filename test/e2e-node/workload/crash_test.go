// Package onnode tests Reprise itself where the pods are real: what is put back, and what is left
// of those that failed.
package workload

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"reprise.dev/reprise/test/harness/node"
	"reprise.dev/reprise/test/harness/product"
)

var shared *node.Node

func TestMain(m *testing.M) {
	os.Exit(node.Serve(m, node.Options{}, func(n *node.Node) { shared = n }))
}

// running is the one instance of Reprise that the tests share.
var running = sync.OnceValues(func() (*product.Instance, error) {
	return product.Serve(shared.Cluster, nil, shared.InstallGatewayCRDs)
})

func TestARealCrashIsPutBackWithItsLastWords(t *testing.T) {
	node.Require(t)
	p := product.NewPlace(t, running, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	p.Apply("6-crashloop")
	failed := p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy")[1]
	if got := failed.FailureMessage(); !strings.Contains(got, "container frontend exits 1") || !strings.Contains(got, "boom") {
		t.Errorf("the error of #2 is %q, want the exit code and the last words", got)
	}
	if e := failed.SavedEvidence(); len(e) == 0 || !strings.Contains(fmt.Sprint(e[0].Log), "boom") {
		t.Errorf("the log of the containers that are gone was not saved: %+v", e)
	}
}
