package namespaceinfo

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// trim drops the managed fields and the last-applied annotation of an object, and of a ConfigMap
// everything but its name.
func trim(object any) (any, error) {
	if names, ok := object.(*metav1.PartialObjectMetadata); ok {
		return &metav1.PartialObjectMetadata{
			TypeMeta:   names.TypeMeta,
			ObjectMeta: metav1.ObjectMeta{Name: names.Name, Namespace: names.Namespace, UID: names.UID, ResourceVersion: names.ResourceVersion},
		}, nil
	}
	accessor, err := meta.Accessor(object)
	if err != nil {
		return object, nil // a tombstone
	}
	accessor.SetManagedFields(nil)
	if annotations := accessor.GetAnnotations(); annotations[corev1.LastAppliedConfigAnnotation] != "" {
		delete(annotations, corev1.LastAppliedConfigAnnotation)
	}
	return object, nil
}
