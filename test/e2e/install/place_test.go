package install

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// cleanUp removes what a test has installed. The namespace stays: nothing in this cluster finishes its deletion.
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
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "install-"}}
	if err := api(t).Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return namespace.Name
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
	i, err := product.Launch(t.Context(), shared, name, reprise, port, flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		i.Stop()
		if logs, err := i.Logs(); err == nil && t.Failed() {
			lines := strings.Split(logs, "\n")
			t.Logf("%s says:\n%s", name, strings.Join(lines[max(0, len(lines)-40):], "\n"))
		}
	})
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
	var message string
	c := api(t)
	product.Eventually(t, func() (bool, string) {
		var events corev1.EventList
		if err := c.List(t.Context(), &events, client.InNamespace(product.Namespace)); err != nil {
			return false, err.Error()
		}
		var seen []string
		for _, e := range events.Items {
			seen = append(seen, e.Reason+": "+e.Message)
			if e.Reason == reason && strings.Contains(e.Message, contains) {
				message = e.Message
			}
		}
		return message != "", "no event " + reason + " with " + contains + ", only:\n" + strings.Join(seen, "\n")
	})
	return message
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
