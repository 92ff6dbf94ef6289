// Package onnode tests Reprise itself where the pods are real: what is put back, and what is left of those that failed.
package onnode

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
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
	if _, err := running(); err != nil {
		t.Fatal(err)
	}
	api, err := product.NewClient(shared.Cluster)
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Annotations: map[string]string{"reprise.dev/bake-time": "1s"}}}
	if err := api.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	deploy := func(step, want string) []v1alpha1.WorkloadRevision {
		t.Helper()
		file := filepath.Join("..", "..", "testdata", "score", "tutorial", step, "manifests.yaml")
		if _, stderr, err := shared.Kubectl(t.Context(), "-n", "shop", "apply", "-f", file); err != nil {
			t.Fatalf("deploying %s: %v: %s", step, err, stderr)
		}
		var list v1alpha1.WorkloadRevisionList
		product.Eventually(t, func() (bool, string) {
			if err := api.List(t.Context(), &list, client.InNamespace("shop")); err != nil {
				return false, err.Error()
			}
			got := make([]string, len(list.Items))
			for i := range list.Items {
				got[i] = fmt.Sprintf("%d %s", list.Items[i].Spec.Number, list.Items[i].Status.Phase)
			}
			return strings.Join(got, ", ") == want, "the revisions are " + strings.Join(got, ", ")
		})
		return list.Items
	}
	deploy("1-healthy", "1 Healthy")
	failed := deploy("6-crashloop", "1 Healthy, 2 RolledBack, 3 Healthy")[1]
	if got := failed.FailureMessage(); !strings.Contains(got, "container frontend exits 1") || !strings.Contains(got, "boom") {
		t.Errorf("the error of #2 is %q, want the exit code and the last words", got)
	}
	if e := failed.SavedEvidence(); len(e) == 0 || !strings.Contains(fmt.Sprint(e[0].Log), "boom") {
		t.Errorf("the log of the containers that are gone was not saved: %+v", e)
	}
}
