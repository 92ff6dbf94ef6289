package main

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/fakeapi"
	"reprise.dev/reprise/workload"
)

func TestRevisions(t *testing.T) {
	template := func(image string) *corev1.PodTemplateSpec {
		return &corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}}}
	}
	revision := func(number int64, image string, phase v1alpha1.Phase) *v1alpha1.WorkloadRevision {
		r := &v1alpha1.WorkloadRevision{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "app-" + image}}
		r.Spec.WorkloadRef.Name, r.Spec.WorkloadRef.UID, r.Spec.Number = "app", "1", number
		r.Spec.IntentHash, r.Spec.TemplateHash = "intent-"+image, workload.TemplateHash(template(image))
		r.Status.Phase, r.Status.PhaseTransitionTime = phase, &metav1.Time{Time: noon}
		return r
	}
	api := fakeapi.New(t, fakeapi.Options{}, revision(1, "good", v1alpha1.PhaseHealthy), revision(2, "bad", v1alpha1.PhaseRolledBack))
	r := revisions{cached: api.Cached(), live: api.Client()}
	app, other := types.NamespacedName{Namespace: "shop", Name: "app"}, types.NamespacedName{Namespace: "shop", Name: "other"}

	for _, test := range []struct {
		reason   string
		workload types.NamespacedName
		uid      types.UID
		image    string
		after    time.Duration
		want     int64
	}{
		{"the failed template", app, "1", "bad", time.Second, 2},
		{"the quarantine ends", app, "1", "bad", 24 * time.Hour, 0},
		{"the healthy template", app, "1", "good", time.Second, 0},
		{"another workload", other, "1", "bad", time.Second, 0},
		{"another Deployment of that name", app, "2", "bad", time.Second, 0},
	} {
		got, err := r.Quarantined(t.Context(), test.workload, test.uid, template(test.image), noon.Add(test.after))
		if err != nil {
			t.Fatal(err)
		}
		if got == nil && test.want != 0 || got != nil && got.Revision != test.want {
			t.Errorf("%s: got %+v, want revision %d", test.reason, got, test.want)
		}
	}

	if got, err := r.LastHealthy(t.Context(), app); err != nil || got == nil || got.Number != 1 || got.IntentHash != "intent-good" {
		t.Errorf("the last healthy revision is %+v (%v)", got, err)
	}
	if got, err := r.LastHealthy(t.Context(), other); err != nil || got != nil {
		t.Errorf("a workload without revisions has the last healthy %+v (%v)", got, err)
	}
	for hash, want := range map[string]bool{"intent-bad": true, "intent-new": false} {
		if got, err := r.Recorded(t.Context(), app, workload.Intent{}, hash); err != nil || got != want {
			t.Errorf("%s is recorded: %t, want %t (%v)", hash, got, want, err)
		}
	}
	if got, err := r.ChangedFiles(t.Context(), other); err != nil || len(got) > 0 {
		t.Errorf("a workload without revisions has changed files %v (%v)", got, err)
	}
}

func TestRevisions_RecordedReadsPastTheCache(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{})
	api.Freeze(t)
	r := &v1alpha1.WorkloadRevision{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "app-1"}}
	r.Spec.WorkloadRef.Name, r.Spec.IntentHash = "app", "new"
	if err := api.Direct().Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	got, err := revisions{cached: api.Cached(), live: api.Client()}.Recorded(t.Context(), types.NamespacedName{Namespace: "shop", Name: "app"}, workload.Intent{}, "new")
	if err != nil || !got {
		t.Errorf("recorded: %t (%v)", got, err)
	}
}

func TestRestConfig(t *testing.T) {
	if _, err := restConfig(""); err == nil || !strings.Contains(err.Error(), "--kubeconfig") {
		t.Errorf("outside of a cluster: %v", err)
	}
	if _, err := restConfig(t.TempDir() + "/none"); err == nil || !strings.Contains(err.Error(), "reading --kubeconfig") {
		t.Errorf("a missing file: %v", err)
	}
}
