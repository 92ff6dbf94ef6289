package history

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// deployment returns a guarded Deployment that ci wrote last.
func deployment(image string, changes ...func(*appsv1.Deployment)) *appsv1.Deployment {
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "a", UID: "1", ResourceVersion: "10",
			Annotations: map[string]string{workload.NameAnnotation: "a"},
			ManagedFields: []metav1.ManagedFieldsEntry{
				{Manager: "kubectl-client-side-apply", Time: &metav1.Time{Time: now.Add(-time.Hour)}},
				{Manager: "ci", Time: &metav1.Time{Time: now}},
				{Manager: "kube-controller-manager", Subresource: "status", Time: &metav1.Time{Time: now.Add(time.Hour)}},
			},
		},
		Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}},
		}},
	}
	for _, change := range changes {
		change(d)
	}
	return d
}

// observed returns a Deployment as the watch brings it.
func observed(t *testing.T, d *appsv1.Deployment) Observed {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	if err != nil {
		t.Fatal(err)
	}
	o, err := Observe(&unstructured.Unstructured{Object: object})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// next returns the revision of a Deployment after a history.
func next(t *testing.T, h History, d *appsv1.Deployment, files *Files, arrival Arrival) *v1alpha1.WorkloadRevision {
	t.Helper()
	p := Predecessors{}
	if p.Newest = h.Newest(); p.Newest != nil {
		p.LastNumber = p.Newest.Spec.Number
		if plan := p.Newest.Status.Rollback; plan != nil {
			p.RollbackTarget = h.Number(plan.ToRevision)
		}
	}
	r, err := Next(p, observed(t, d), files, arrival, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// recorded appends the revision of a Deployment without files to a history, in a phase.
func recorded(t *testing.T, h History, d *appsv1.Deployment, phase v1alpha1.Phase) History {
	t.Helper()
	r := next(t, h, d, NewFiles(), Arrival{})
	r.Status.Phase = phase
	return append(h, *r)
}

// file returns files with one file, which kubectl wrote.
func file(content string) *Files {
	files := NewFiles()
	files.Add(workload.File{ConfigMap: "a-main-file-0123456789", Mounts: []workload.Mount{{Container: "main", Path: "/etc/app.conf"}}}, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{ResourceVersion: content, ManagedFields: []metav1.ManagedFieldsEntry{
			{Manager: "kubectl", Time: &metav1.Time{Time: now}},
		}},
		BinaryData: map[string][]byte{"file": []byte(content)},
	}, false)
	return files
}
