package integration

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/history"
	"reprise.dev/reprise/test/product"
)

// running is the one instance of Reprise that the tests of the package share.
var running = sync.OnceValues(func() (*product.Instance, error) { return product.Serve(shared, nil, shared.InstallGatewayCRDs) })

// place is a namespace of one test, guarded by the running product.
type place struct {
	*testing.T
	namespace string
	api       client.Client
}

func newPlace(t *testing.T, annotations map[string]string) place {
	t.Helper()
	instance, err := running()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		if logs, err := instance.Logs(); err == nil {
			lines := strings.Split(logs, "\n")
			t.Logf("reprise says:\n%s", strings.Join(lines[max(0, len(lines)-40):], "\n"))
		}
	})
	api, err := product.NewClient(shared)
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "story-", Annotations: annotations}}
	if err := api.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return place{T: t, namespace: namespace.Name, api: api}
}

// tutorial is a step of the exercise, as score-k8s wrote it.
func tutorial(step string) string {
	return filepath.Join("..", "testdata", "score", "tutorial", step, "manifests.yaml")
}

// kubectl runs kubectl in the place's namespace and fails the test if it fails.
func (p place) kubectl(args ...string) string {
	p.Helper()
	out, stderr, err := shared.Kubectl(p.Context(), append([]string{"-n", p.namespace}, args...)...)
	if err != nil {
		p.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr)
	}
	return out
}

// refused runs kubectl, which must fail, and returns what it says.
func (p place) refused(args ...string) string {
	p.Helper()
	out, stderr, err := shared.Kubectl(p.Context(), append([]string{"-n", p.namespace}, args...)...)
	if err == nil {
		p.Fatalf("kubectl %s was not refused:\n%s", strings.Join(args, " "), out)
	}
	return stderr
}

// revisions reads a workload's history.
func (p place) revisions(workload string) history.History {
	p.Helper()
	h, err := history.List(p.Context(), p.api, p.namespace, workload)
	if err != nil {
		p.Fatal(err)
	}
	return h
}

// phases renders a history as "1 Healthy, 2 RolledBack".
func phases(h history.History) string {
	var all []string
	for _, r := range h {
		all = append(all, fmt.Sprintf("%d %s", r.Spec.Number, r.Status.Phase))
	}
	return strings.Join(all, ", ")
}

// becomes waits until a workload's history has the given phases.
func (p place) becomes(workload, want string) history.History {
	p.Helper()
	var h history.History
	product.Eventually(p, func() (bool, string) {
		h = p.revisions(workload)
		return phases(h) == want, fmt.Sprintf("the history is %q, want %q", phases(h), want)
	})
	return h
}

// event waits for an event of a reason about the workload and returns its message.
func (p place) event(reason, about string) string {
	p.Helper()
	var message string
	product.Eventually(p, func() (bool, string) {
		var events corev1.EventList
		if err := p.api.List(p.Context(), &events, client.InNamespace(p.namespace)); err != nil {
			return false, err.Error()
		}
		var seen []string
		for _, e := range events.Items {
			if e.InvolvedObject.Kind == "Deployment" && e.InvolvedObject.Name == about && e.Source.Component == "reprise" {
				seen = append(seen, e.Reason)
				if e.Reason == reason {
					message = e.Message
				}
			}
		}
		return message != "", fmt.Sprintf("no event %s, only %v", reason, seen)
	})
	return message
}

// counts are how often each event about a workload was told, by reason.
func (p place) counts(about string) map[string][]int32 {
	p.Helper()
	var events corev1.EventList
	if err := p.api.List(p.Context(), &events, client.InNamespace(p.namespace)); err != nil {
		p.Fatal(err)
	}
	counts := map[string][]int32{}
	for _, e := range events.Items {
		if e.InvolvedObject.Kind == "Deployment" && e.InvolvedObject.Name == about && e.Source.Component == "reprise" {
			counts[e.Reason] = append(counts[e.Reason], e.Count)
		}
	}
	return counts
}

func (p place) deployment(name string) *appsv1.Deployment {
	p.Helper()
	d := &appsv1.Deployment{}
	if err := p.api.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: name}, d); err != nil {
		p.Fatal(err)
	}
	return d
}
