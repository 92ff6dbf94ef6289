package product

import (
	"context"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/cluster"
)

// Patience bounds every wait of a test: it is met in seconds, and a loaded machine may take longer.
const Patience = 3 * time.Minute

// NewClient makes a client with all rights that knows revisions.
func NewClient(c *cluster.Cluster) (client.Client, error) { return newClient(c.RESTConfig()) }

func newClient(config *rest.Config) (client.Client, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering types: %w", err)
		}
	}
	return client.New(config, client.Options{Scheme: scheme})
}

// Eventually waits for a condition, which says what is missing, and fails the test where it does
// not come.
func Eventually(t testing.TB, condition func() (bool, string)) {
	t.Helper()
	var missing string
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, Patience, true, func(context.Context) (bool, error) {
		ok, why := condition()
		missing = why
		return ok, nil
	})
	if err != nil {
		t.Fatalf("%v: %s", err, missing)
	}
}
