// Package admission tests what is admitted and what is refused, on a real API server: in which
// order it asks, whom the chart's own policies let write, and policies: the built-in pack, what
// users bring, and the overrides that an install sets.
package admission

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// shared serves all tests of the package; each works in namespaces of its own.
var shared *cluster.Cluster

func TestMain(m *testing.M) {
	os.Exit(cluster.Serve(m, cluster.Options{}, func(c *cluster.Cluster) { shared = c }))
}

// running is the one instance of Reprise that the tests of the package share.
var running = sync.OnceValues(func() (*product.Instance, error) {
	return product.Serve(shared, values, func(ctx context.Context) error {
		return errors.Join(shared.InstallGatewayCRDs(ctx), slipIn(ctx))
	})
})

// place is a namespace of one test, guarded by the running product.
type place struct {
	product.Place
	client kubernetes.Interface
}

func newPlace(t *testing.T, annotations map[string]string) place {
	t.Helper()
	p := place{Place: product.NewPlace(t, running, annotations)}
	config := rest.CopyConfig(shared.RESTConfig())
	config.WarningHandler = p.Warnings
	var err error
	if p.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	return p
}

// newNamedPlace is a place beside namespaces whose names the policies or the install know.
func newNamedPlace(t *testing.T, namespaces ...string) place {
	t.Helper()
	p := newPlace(t, nil)
	for _, name := range namespaces {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := p.client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	return p
}
