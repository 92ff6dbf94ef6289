// Package rollback tests that a rollback ends well whatever happens between its writes: kills, lost
// answers, refusals, caches that lag, and deploys that arrive meanwhile. Each run is a story drawn
// by a seed, played on the real control plane by the real recorder and the real rollback, and
// judged by what the API server holds and logged.
//
//	go test ./e2e/rollback -count=1 -cases=200 -seed=1     the stories 1 to 200
//	go test ./e2e/rollback -count=1 -cases=1 -seed=7 -v    one of them, with its log
package rollback

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"reprise.dev/reprise/internal/namespaceinfo"
	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

var (
	cases    = flag.Int("cases", 20, "how many stories are played")
	firstOne = flag.Uint64("seed", 1, "the seed of the first story; the others follow")
	atOnce   = flag.Int("at-once", 10, "how many stories are played at once")
)

// auditPolicy has the API server log every write of Reprise's account, and everybody's writes of
// Deployments.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: RequestResponse
  users: ["` + account + `"]
  verbs: [create, update, patch]
  resources: [{group: "", resources: [configmaps]}, {group: reprise.dev, resources: [workloadrevisions/status]}]
- level: RequestResponse
  verbs: [create, update, patch]
  resources: [{group: apps, resources: [deployments]}]
- level: None
`

// account is the user that the API server knows Reprise as.
const account = "system:serviceaccount:" + product.Namespace + ":" + product.Release

var (
	shared *cluster.Cluster
	// port is where the installed chart expects admission to be served.
	port int
	// reprise is the client configuration of Reprise's account.
	reprise *rest.Config
	// namespaces is read by all processes: it writes nothing.
	namespaces *namespaceinfo.Cache
	// log is the API server's.
	log *auditLog
)

// running is the one instance of Reprise that the parallel tests share. They run after all others,
// which lead themselves.
var running = sync.OnceValues(func() (*product.Instance, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	return product.Start(ctx, shared, product.Program, port)
})

// newPlace is a place of a parallel test.
func newPlace(t *testing.T, annotations map[string]string) product.Place {
	t.Helper()
	return product.NewPlace(t, running, annotations)
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(cluster.Serve(prepared{m}, cluster.Options{AuditPolicy: auditPolicy}, func(c *cluster.Cluster) { shared = c }))
}

// prepared installs the product before the tests run.
type prepared struct{ tests *testing.M }

// Run implements what cluster.Serve runs.
func (p prepared) Run() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := prepare(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer log.close()
	return p.tests.Run()
}

// prepare installs the chart. Admission is not served to the drawn stories: nothing of a rollback
// rests on it.
func prepare(ctx context.Context) (err error) {
	if port, err = cluster.FreePort(); err != nil {
		return err
	}
	if err := errors.Join(product.Install(ctx, shared, port, nil), shared.InstallGatewayCRDs(ctx)); err != nil {
		return err
	}
	if reprise, _, err = shared.ServiceAccountConfig(ctx, product.Namespace, product.Release); err != nil {
		return err
	}
	if namespaces, err = namespaceinfo.New(reprise, time.Minute, time.Now); err != nil {
		return err
	}
	go func() { _ = namespaces.Start(ctx) }()
	log, err = openAuditLog(shared.AuditLog())
	return err
}
