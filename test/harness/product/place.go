package product

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/test/harness/cluster"
)

// Quick are a namespace's annotations by which a rollout is judged Healthy soon.
var Quick = map[string]string{v1alpha1.BakeTimeAnnotation: "1s"}

// Place is a namespace of one test beside the running product: what is done there, and what is seen
// of it.
type Place struct {
	*testing.T
	Cluster  *cluster.Cluster
	Instance *Instance
	// API has all rights and knows revisions.
	API       client.Client
	Namespace string
	// Warnings are those of the API server to API.
	Warnings *Warnings
}

// NewPlace makes a place whose namespace has annotations. running starts the product unless it
// runs. Where the test fails, what the product said of the namespace is shown.
func NewPlace(t *testing.T, running func() (*Instance, error), annotations map[string]string) Place {
	t.Helper()
	instance, err := running()
	if err != nil {
		t.Fatal(err)
	}
	p := Place{T: t, Cluster: instance.cluster, Instance: instance, Warnings: &Warnings{}}
	config := rest.CopyConfig(p.Cluster.RESTConfig())
	config.WarningHandler = p.Warnings
	if p.API, err = newClient(config); err != nil {
		t.Fatal(err)
	}
	p.Namespace = NewNamespace(t, p.API, annotations)
	instance.ShowLogs(t, p.Namespace)
	return p
}

// NewNamespace makes a namespace of a test and returns its name.
func NewNamespace(t testing.TB, api client.Client, annotations map[string]string) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", Annotations: annotations}}
	if err := api.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return namespace.Name
}

// Create stores an object as the administrator. It goes with its namespace or with the test.
func (p Place) Create(object client.Object) {
	p.Helper()
	if err := p.API.Create(p.Context(), object); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = p.API.Delete(context.Background(), object) }) // The test's own context has ended.
}

// CreateIdle stores the Deployment of a workload without pods, whose container a test may change.
func (p Place) CreateIdle(name string, change func(*corev1.Container)) *appsv1.Deployment {
	p.Helper()
	d := Idle(p.Namespace, name)
	if change != nil {
		change(&d.Spec.Template.Spec.Containers[0])
	}
	p.Create(d)
	return d
}

// Deployment reads a Deployment.
func (p Place) Deployment(name string) *appsv1.Deployment {
	p.Helper()
	d := &appsv1.Deployment{}
	if err := p.API.Get(p.Context(), client.ObjectKey{Namespace: p.Namespace, Name: name}, d); err != nil {
		p.Fatal(err)
	}
	return d
}

// TryKubectl runs kubectl in the namespace, with stdin where there is one, and returns all that it
// prints.
func (p Place) TryKubectl(stdin []byte, args ...string) (string, error) {
	out, stderr, err := p.Cluster.KubectlInput(p.Context(), bytes.NewReader(stdin), append([]string{"-n", p.Namespace}, args...)...)
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return out + stderr, err
}

// Kubectl runs kubectl in the namespace, and fails the test where it fails.
func (p Place) Kubectl(args ...string) {
	p.Helper()
	if said, err := p.TryKubectl(nil, args...); err != nil {
		p.Fatalf("%v\n%s", err, said)
	}
}

// Denied runs kubectl, which must fail, and returns what it says.
func (p Place) Denied(args ...string) string {
	p.Helper()
	said, err := p.TryKubectl(nil, args...)
	if err == nil {
		p.Fatalf("kubectl %s was not refused:\n%s", strings.Join(args, " "), said)
	}
	return said
}

// Apply applies a step of the exercise.
func (p Place) Apply(step string, flags ...string) {
	p.Helper()
	p.Kubectl(append([]string{"apply", "-f", Tutorial(p, step)}, flags...)...)
}

// Revisions reads a workload's history.
func (p Place) Revisions(workload string) history.History {
	p.Helper()
	return Revisions(p, p.API, p.Namespace, workload)
}

// Becomes waits until a workload's history has the given phases, such as "1 Healthy, 2 RolledBack".
func (p Place) Becomes(workload, phases string) history.History {
	p.Helper()
	return AwaitHistory(p, p.API, p.Namespace, workload, phases, func(h history.History) bool { return Phases(h) == phases })
}

// Events are those of a reason about a workload.
func (p Place) Events(reason, workload string) []corev1.Event {
	p.Helper()
	return Events(p, p.API, EventFilter{Namespace: p.Namespace, Kind: "Deployment", Name: workload, Reason: reason})
}

// Event waits for an Event of a reason about a workload and returns its message.
func (p Place) Event(reason, workload string) string {
	p.Helper()
	return AwaitEvent(p, p.API, EventFilter{Namespace: p.Namespace, Kind: "Deployment", Name: workload, Reason: reason}).Message
}

// Says fails the test where a text lacks a part.
func (p Place) Says(text string, parts ...string) {
	p.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			p.Errorf("%q lacks %q", text, part)
		}
	}
}

// MetricsOf returns the lines of the served metrics that start with prefix.
func (i *Instance) MetricsOf(t testing.TB, prefix string) string {
	t.Helper()
	answer, err := http.Get(i.Metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, prefix) {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return strings.Join(all, "\n")
}

// Warnings collects what the API server warns of.
type Warnings struct {
	mu   sync.Mutex
	said []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *Warnings) HandleWarningHeader(_ int, _ string, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, text)
}

// Take returns what was said since the last time.
func (w *Warnings) Take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	said := strings.Join(w.said, "\n")
	w.said = nil
	return said
}
