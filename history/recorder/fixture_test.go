package recorder

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

func deployment(image string) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "a", UID: "1", Annotations: map[string]string{workload.NameAnnotation: "a"},
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
}

// captureOf is what the watch would bring of a Deployment.
func captureOf(t *testing.T, d *appsv1.Deployment) observedIntent {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	if err != nil {
		t.Fatal(err)
	}
	return observedIntent{deployment: d, raw: &unstructured.Unstructured{Object: object}}
}

// record appends what the recorder would write of a Deployment.
func record(t *testing.T, h history.History, d *appsv1.Deployment) history.History {
	t.Helper()
	p := predecessors{files: newFiles()}
	if p.newest = h.Newest(); p.newest != nil {
		p.last = p.newest.Spec.Number
		if plan := p.newest.Status.Rollback; plan != nil {
			p.target = h.Number(plan.ToRevision)
		}
	}
	next, err := p.newRevision(captureOf(t, d), now)
	if err != nil {
		t.Fatal(err)
	}
	return append(h, *next)
}

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
