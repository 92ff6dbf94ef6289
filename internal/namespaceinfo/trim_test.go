package namespaceinfo

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTrim(t *testing.T) {
	stored := metav1.ObjectMeta{
		Name: "a", Namespace: "shop", Labels: map[string]string{"l": "1"},
		Annotations:   map[string]string{"reprise.dev/rollback": "off", corev1.LastAppliedConfigAnnotation: "{…}"},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
	}
	trimmed, err := trim(&corev1.Namespace{ObjectMeta: *stored.DeepCopy()})
	if err != nil {
		t.Fatal(err)
	}
	got := trimmed.(*corev1.Namespace)
	if len(got.ManagedFields) != 0 || len(got.Annotations) != 1 || got.Annotations["reprise.dev/rollback"] != "off" || got.Labels["l"] != "1" {
		t.Errorf("namespace %+v", got.ObjectMeta)
	}
	trimmed, err = trim(&metav1.PartialObjectMetadata{ObjectMeta: *stored.DeepCopy()})
	if err != nil {
		t.Fatal(err)
	}
	if got := trimmed.(*metav1.PartialObjectMetadata); got.Name != "a" || got.Namespace != "shop" || got.Labels != nil || got.Annotations != nil {
		t.Errorf("ConfigMap %+v", got.ObjectMeta)
	}
}
