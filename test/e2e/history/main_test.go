// Package recorder tests that no accepted revision is ever lost: under bursts, kills, restarts of
// the API server and gaps in what it can replay; and how long histories are kept, and of what. It
// has a control plane of its own, since it breaks it.
package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// auditPolicy has the API server log what it stored of every Deployment: an account that does not
// rest on a watch.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: RequestResponse
  verbs: [create, update, patch]
  resources: [{group: apps, resources: [deployments]}]
- level: None
`

var (
	shared *cluster.Cluster
	port   int
	// starts counts the instances: each has a log of its own.
	starts int
)

func TestMain(m *testing.M) {
	os.Exit(cluster.Serve(prepared{m}, cluster.Options{AuditPolicy: auditPolicy}, func(c *cluster.Cluster) { shared = c }))
}

// prepared installs the product before the tests run.
type prepared struct{ tests *testing.M }

// Run implements what cluster.Serve runs.
func (p prepared) Run() int {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if err := prepare(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return p.tests.Run()
}

func prepare(ctx context.Context) (err error) {
	if _, err = product.Build(ctx, os.Stderr, product.Program, ""); err != nil {
		return err
	}
	if port, err = cluster.FreePort(); err != nil {
		return err
	}
	values := map[string]any{"history": map[string]any{"maxPerMinute": 1000, "maxLimit": 400}}
	return errors.Join(product.Install(ctx, shared, port, values), shared.InstallGatewayCRDs(ctx))
}

// start runs the product until the test ends or stop is called.
func start(t *testing.T) (stop func()) {
	t.Helper()
	starts++
	return product.StartFor(t, shared, fmt.Sprintf("reprise-%d", starts), port).Stop
}

// running is the one instance of Reprise that the parallel tests share. They run after all others,
// which start and kill instances of their own.
var running = sync.OnceValues(func() (*product.Instance, error) {
	ctx, cancel := context.WithTimeout(context.Background(), product.Patience)
	defer cancel()
	return product.Start(ctx, shared, product.Program, port)
})

// newPlace is a place of a parallel test.
func newPlace(t *testing.T, annotations map[string]string) product.Place {
	t.Helper()
	return product.NewPlace(t, running, annotations)
}

func newClient(t *testing.T) client.Client {
	t.Helper()
	api, err := product.NewClient(shared)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// newNamespace makes a namespace whose histories are long.
func newNamespace(t *testing.T, api client.Client) string {
	t.Helper()
	return product.NewNamespace(t, api, map[string]string{"reprise.dev/history-limit": "400"})
}

// newWorkload makes a workload.
func newWorkload(t *testing.T, api client.Client, namespace, name string) *appsv1.Deployment {
	t.Helper()
	d := product.Idle(namespace, name)
	if err := api.Create(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return d
}

// images are those of a workload's revisions, in order.
func images(t *testing.T, api client.Client, namespace, name string) []string {
	t.Helper()
	h, err := store.List(t.Context(), api, namespace, name)
	if err != nil {
		return []string{err.Error()} // The API server may be on its way up.
	}
	var all []string
	for i, r := range h {
		if r.Spec.Number != int64(i+1) || r.Status.Phase == "" {
			continue
		}
		all = append(all, r.Spec.Images)
	}
	return all
}
