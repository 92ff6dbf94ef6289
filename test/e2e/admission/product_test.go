package integration

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/history"
	"reprise.dev/reprise/test/harness/product"
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
	instance.ShowLogs(t)
	api, err := product.NewClient(shared)
	if err != nil {
		t.Fatal(err)
	}
	return place{T: t, namespace: product.NewNamespace(t, api, "story-", annotations), api: api}
}

// tutorial is a step of the exercise, as score-k8s wrote it.
func tutorial(step string) string {
	return filepath.Join("..", "..", "testdata", "score", "tutorial", step, "manifests.yaml")
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
	return product.Revisions(p, p.api, p.namespace, workload)
}

// becomes waits until a workload's history has the given phases.
func (p place) becomes(workload, want string) history.History {
	p.Helper()
	return product.Becomes(p, p.api, p.namespace, workload, want)
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
