package recorder

import (
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// deployment returns a guarded Deployment at a resourceVersion.
func deployment(name, image, version string, changes ...func(*appsv1.Deployment)) *appsv1.Deployment {
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: "uid-of-a", ResourceVersion: version,
			Annotations: map[string]string{workload.NameAnnotation: name},
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

// rawOf returns a Deployment as the API server sends it.
func rawOf(t testing.TB, d *appsv1.Deployment) *unstructured.Unstructured {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	if err != nil {
		t.Fatal(err)
	}
	raw := &unstructured.Unstructured{Object: object}
	raw.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	return raw
}

// eventOf returns the event by which the watch brings a Deployment.
func eventOf(t testing.TB, d *appsv1.Deployment) intentEvent {
	t.Helper()
	o, err := history.Observe(rawOf(t, d))
	if err != nil {
		t.Fatal(err)
	}
	return intentEvent{Observed: o}
}

// gone is how an older API server answers a resourceVersion that it has compacted.
func gone() error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusGone, Reason: metav1.StatusReasonGone}}
}
