package deployers

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/test/harness/product"
)

// place is a namespace with one workload, app, guarded by the running product.
type place struct {
	*testing.T
	namespace string
	api       client.Client
	warnings  *warnings
}

func newPlace(t *testing.T, name string) place {
	t.Helper()
	instance, err := running()
	if err != nil {
		t.Fatal(err)
	}
	p := place{T: t, warnings: &warnings{}}
	api, err := product.NewClient(shared)
	if err != nil {
		t.Fatal(err)
	}
	config := rest.CopyConfig(shared.RESTConfig())
	config.WarningHandler = p.warnings
	if p.api, err = client.New(config, client.Options{Scheme: api.Scheme(), Mapper: api.RESTMapper()}); err != nil {
		t.Fatal(err)
	}
	p.namespace = product.NewNamespace(t, p.api, name+"-", map[string]string{"reprise.dev/bake-time": "1s"})
	t.Cleanup(func() {
		if logs, err := instance.Logs(); err == nil && t.Failed() {
			for line := range strings.Lines(logs) {
				if strings.Contains(line, p.namespace) {
					t.Log(strings.TrimSpace(line))
				}
			}
		}
	})
	return p
}

// warnings collects what the API server warns of.
type warnings struct {
	mu   sync.Mutex
	said []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _ string, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, text)
}

func (w *warnings) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	said := strings.Join(w.said, "\n")
	w.said = nil
	return said
}

// must fails the test where a deployer failed.
func (p place) must(said string, err error) {
	p.Helper()
	if err != nil {
		p.Fatalf("%v\n%s", err, said)
	}
}

// kubectl runs kubectl in the namespace, with a manifest on its standard input where there is one.
func (p place) kubectl(manifest []byte, args ...string) (string, error) {
	out, stderr, err := shared.KubectlInput(p.Context(), bytes.NewReader(manifest), append([]string{"-n", p.namespace}, args...)...)
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return out + stderr, err
}

// live reads the workload as the API server has it.
func (p place) live() *unstructured.Unstructured {
	p.Helper()
	d := &unstructured.Unstructured{}
	d.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	if err := p.api.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: name}, d); err != nil {
		p.Fatal(err)
	}
	return d
}

func (p place) revisions() history.History {
	p.Helper()
	return product.Revisions(p, p.api, p.namespace, name)
}

// becomes waits until the history is as a condition wants it.
func (p place) becomes(want string, condition func(history.History) bool) history.History {
	p.Helper()
	var h history.History
	product.Eventually(p, func() (bool, string) {
		h = p.revisions()
		return condition(h), fmt.Sprintf("the history is %q, want %s", product.Phases(h), want)
	})
	return h
}

// well waits until the newest revision is healthy and newer than another.
func (p place) well(than int64) *v1alpha1.WorkloadRevision {
	p.Helper()
	return p.becomes(fmt.Sprintf("one after #%d to be healthy", than), func(h history.History) bool {
		newest := h.Newest()
		return newest != nil && newest.Spec.Number > than && newest.Status.Phase == v1alpha1.PhaseHealthy
	}).Newest()
}

// restored waits until a rollback that put a revision back is healthy.
func (p place) restored(number int64) *v1alpha1.WorkloadRevision {
	p.Helper()
	return p.becomes(fmt.Sprintf("#%d to be put back, and healthy", number), func(h history.History) bool {
		newest := h.Newest()
		return newest != nil && newest.Spec.RestoredFrom == number && newest.Status.Phase == v1alpha1.PhaseHealthy
	}).Newest()
}

// events are those of a reason about the workload.
func (p place) events(reason string) []corev1.Event {
	p.Helper()
	var all corev1.EventList
	if err := p.api.List(p.Context(), &all, client.InNamespace(p.namespace)); err != nil {
		p.Fatal(err)
	}
	var about []corev1.Event
	for _, e := range all.Items {
		if e.InvolvedObject.Kind == "Deployment" && e.InvolvedObject.Name == name && e.Reason == reason {
			about = append(about, e)
		}
	}
	return about
}
