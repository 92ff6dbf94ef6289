package workload_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

func raw(t *testing.T, d *appsv1.Deployment) *unstructured.Unstructured {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	if err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: object}
}

// newer adds fields that no version of the API knows to the Deployment, its template and its first
// container.
func newer(t *testing.T, d *unstructured.Unstructured, value string) {
	t.Helper()
	containers, _, err := unstructured.NestedSlice(d.Object, "spec", "template", "spec", "containers")
	if err != nil {
		t.Fatal(err)
	}
	containers[0].(map[string]any)["madeUp"] = map[string]any{"of": value, "large": int64(1<<62 + 1)}
	for _, err := range []error{
		unstructured.SetNestedSlice(d.Object, containers, "spec", "template", "spec", "containers"),
		unstructured.SetNestedField(d.Object, value, "spec", "madeUp"),
		unstructured.SetNestedField(d.Object, value, "spec", "template", "spec", "madeUp"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRawIntent_EqualsTheTypedIntent(t *testing.T) {
	d := deployment(func(d *appsv1.Deployment) {
		d.Annotations[workload.LastApplied] = "{}"
		d.Annotations["deployment.kubernetes.io/revision"] = "1"
		d.Labels[v1alpha1.GuardLabel] = "enabled"
		d.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}
		d.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
	})
	got, err := workload.RawIntentOf(raw(t, d)).Typed()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(workload.IntentOf(d), got); diff != "" {
		t.Errorf("(-typed +raw)\n%s", diff)
	}
	if workload.IntentOf(d).Hash() != got.Hash() {
		t.Error("the hashes differ")
	}
}

func TestRawIntent_OntoKeepsNewerFields(t *testing.T) {
	before := raw(t, deployment(func(d *appsv1.Deployment) {
		d.Annotations[workload.LastApplied] = "old"
		d.Annotations["deployment.kubernetes.io/revision"] = "1"
		d.Annotations[v1alpha1.RollbackAnnotation] = "auto"
	}))
	newer(t, before, "old")
	intent := workload.RawIntentOf(before)
	live := raw(t, deployment(func(d *appsv1.Deployment) {
		d.Spec.Replicas = new(int32(7))
		d.Spec.Template.Spec.Containers[0].Image = "x:bad"
		d.Labels["new"] = "label"
		d.Annotations[workload.LastApplied] = "new"
		d.Annotations["deployment.kubernetes.io/revision"] = "3"
		d.Annotations[v1alpha1.RollbackAnnotation] = "manual"
	}))
	newer(t, live, "bad")
	intent.Onto(live)
	want := raw(t, deployment(func(d *appsv1.Deployment) {
		d.Spec.Replicas = new(int32(7))
		d.Annotations[workload.LastApplied] = "old"
		d.Annotations["deployment.kubernetes.io/revision"] = "3"
		d.Annotations[v1alpha1.RollbackAnnotation] = "manual"
	}))
	newer(t, want, "old")
	if d := cmp.Diff(want, live); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if d := cmp.Diff(intent, workload.RawIntentOf(live)); d != "" {
		t.Errorf("the live intent is not the restored one (-want +got)\n%s", d)
	}
}

func TestRawIntent_OntoLeavesReplicasUnset(t *testing.T) {
	live := raw(t, deployment(func(d *appsv1.Deployment) { d.Spec.Replicas = nil }))
	workload.RawIntentOf(raw(t, deployment(nil))).Onto(live)
	if replicas, found, err := unstructured.NestedFieldNoCopy(live.Object, "spec", "replicas"); found || err != nil {
		t.Errorf("replicas are %v, %v", replicas, err)
	}
}
