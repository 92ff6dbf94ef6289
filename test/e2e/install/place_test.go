package install

import (
	"context"
	"os/exec"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// api is a client with all rights.
func api(t *testing.T) client.Client {
	t.Helper()
	c, err := product.NewClient(shared)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// cleanUp removes what a test has installed. The namespace stays: nothing in this cluster finishes
// its deletion.
func cleanUp(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	cmd := exec.CommandContext(ctx, helm, "uninstall", product.Release, "--namespace", product.Namespace, "--ignore-not-found")
	cmd.Env = append(cmd.Environ(), "KUBECONFIG="+shared.Kubeconfig())
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("helm uninstall: %v\n%s", err, said)
	}
}

// newNamespace creates a namespace of its own for a test.
func newNamespace(t *testing.T) string {
	t.Helper()
	return product.NewNamespace(t, api(t), nil)
}

// port is a free port of this machine.
func port(t *testing.T) int {
	t.Helper()
	p, err := cluster.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// launched starts the product with flags, and stops it at the end of the test.
func launched(t *testing.T, name string, port int, flags ...string) *product.Instance {
	t.Helper()
	i, err := product.Launch(t.Context(), shared, name, port, flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Stop)
	i.ShowLogs(t, "")
	return i
}

// ready waits until it is.
func ready(t *testing.T, i *product.Instance) {
	t.Helper()
	product.Eventually(t, func() (bool, string) {
		if err := i.Ready(t.Context()); err != nil {
			return false, err.Error()
		}
		return true, ""
	})
}

// told waits for an Event of the install and returns its message.
func told(t *testing.T, reason, contains string) string {
	t.Helper()
	return product.AwaitEvent(t, api(t), product.EventFilter{Namespace: product.Namespace, Reason: reason, Contains: contains}).Message
}

// bundle is the caBundle that the API server has for the validating webhook.
func bundle(t *testing.T) []byte {
	t.Helper()
	stored := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	if err := api(t).Get(t.Context(), client.ObjectKey{Name: product.Release}, stored); err != nil {
		t.Fatal(err)
	}
	return stored.Webhooks[0].ClientConfig.CABundle
}
