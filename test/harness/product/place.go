package product

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
)

// lastLines is how many lines of its log are shown where a test failed.
const lastLines = 40

// ShowLogs shows what the product said last where the test fails.
func (i *Instance) ShowLogs(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		if logs, err := i.Logs(); err == nil {
			lines := strings.Split(logs, "\n")
			t.Logf("reprise says:\n%s", strings.Join(lines[max(0, len(lines)-lastLines):], "\n"))
		}
	})
}

// NewNamespace makes a namespace of a test, whose name begins with a prefix, and returns its name.
func NewNamespace(t testing.TB, api client.Client, prefix string, annotations map[string]string) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix, Annotations: annotations}}
	if err := api.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return namespace.Name
}

// Revisions reads a workload's history.
func Revisions(t testing.TB, api client.Client, namespace, workload string) history.History {
	t.Helper()
	h, err := store.List(t.Context(), api, namespace, workload)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Phases renders a history as "1 Healthy, 2 RolledBack".
func Phases(h history.History) string {
	var all []string
	for _, r := range h {
		all = append(all, fmt.Sprintf("%d %s", r.Spec.Number, r.Status.Phase))
	}
	return strings.Join(all, ", ")
}

// Becomes waits until a workload's history has the given phases, such as "1 Healthy, 2 RolledBack".
func Becomes(t testing.TB, api client.Client, namespace, workload, want string) history.History {
	t.Helper()
	var h history.History
	Eventually(t, func() (bool, string) {
		h = Revisions(t, api, namespace, workload)
		return Phases(h) == want, fmt.Sprintf("the history is %q, want %q", Phases(h), want)
	})
	return h
}
