package product

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
)

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

// AwaitHistory waits until a workload's history is as a condition wants it, which want says in
// words.
func AwaitHistory(t testing.TB, api client.Client, namespace, workload, want string, condition func(history.History) bool) history.History {
	t.Helper()
	var h history.History
	Eventually(t, func() (bool, string) {
		h = Revisions(t, api, namespace, workload)
		return condition(h), fmt.Sprintf("the history of %s is %q, want %s", workload, Phases(h), want)
	})
	return h
}
