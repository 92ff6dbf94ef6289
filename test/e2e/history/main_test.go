// Package recorder tests that no accepted revision is ever lost: under bursts, kills, restarts of the API server and
// gaps in what it can replay. It has a control plane of its own, since it breaks it.
package recorder

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// auditPolicy has the API server log what it stored of every Deployment: an account that does not rest on a watch.
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
	binary string
	port   int
	// starts counts the instances: each has a log of its own.
	starts int
)

func TestMain(m *testing.M) {
	os.Exit(cluster.Serve(prepared{m}, cluster.Options{AuditPolicy: auditPolicy}, func(c *cluster.Cluster) { shared = c }))
}

// prepared builds and installs the product before the tests run.
type prepared struct{ tests *testing.M }

// Run implements what cluster.Serve runs.
func (p prepared) Run() int {
	dir, err := os.MkdirTemp("", "reprise-binary-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = prepare(dir)
	}
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return p.tests.Run()
}

func prepare(dir string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if binary, err = product.Build(ctx, os.Stderr, dir); err != nil {
		return err
	}
	if port, err = cluster.FreePort(); err != nil {
		return err
	}
	return product.Install(ctx, shared, port, map[string]any{"history": map[string]any{"maxPerMinute": 1000}})
}

// start runs the product until the test ends or stop is called.
func start(t *testing.T) (stop func()) {
	t.Helper()
	starts++
	instance, err := product.Start(t.Context(), shared, fmt.Sprintf("reprise-%d", starts), binary, port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			logs, _ := instance.Logs()
			t.Logf("reprise says:\n%s", logs[max(0, len(logs)-6000):])
		}
		instance.Stop()
	})
	return instance.Stop
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
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "burst-", Annotations: map[string]string{"reprise.dev/history-limit": "400"},
	}}
	if err := api.Create(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return n.Name
}

// newWorkload makes a workload.
func newWorkload(t *testing.T, api client.Client, namespace, name string) *appsv1.Deployment {
	t.Helper()
	d := workloadWithoutPods(namespace, name)
	if err := api.Create(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return d
}

// workloadWithoutPods is one of which only what is deployed matters, not what runs.
func workloadWithoutPods(namespace, name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: map[string]string{"k8s.score.dev/workload-name": name}},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(0)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "example.com/app:0"}}},
			},
		},
	}
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
