package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
)

// whole is a Revision as it is.
func whole(r *v1alpha1.Revision, namespace, name string) (client.Object, *v1alpha1.Revision, error) {
	return nil, fresh(r, namespace, name), nil
}

// asText holds the snapshot as one string, in which the API server sees no structure.
func asText(r *v1alpha1.Revision, namespace, name string) (client.Object, *v1alpha1.Revision, error) {
	made := fresh(r, namespace, name)
	data, err := snapshot(r)
	if err != nil {
		return nil, nil, err
	}
	text, err := json.Marshal(map[string]string{"json": string(data)})
	made.Spec.Intent.Raw, made.Spec.ManagedFields.Raw = text, nil
	return nil, made, err
}

// packed holds the snapshot as one compressed string.
func packed(r *v1alpha1.Revision, namespace, name string) (client.Object, *v1alpha1.Revision, error) {
	made := fresh(r, namespace, name)
	data, err := compress(r)
	if err != nil {
		return nil, nil, err
	}
	text, err := json.Marshal(map[string][]byte{"gzip": data})
	made.Spec.Intent.Raw, made.Spec.ManagedFields.Raw = text, nil
	return nil, made, err
}

func inControllerRevision(r *v1alpha1.Revision, namespace, name string) (client.Object, *v1alpha1.Revision, error) {
	data, err := snapshot(r)
	return &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Data:       runtime.RawExtension{Raw: data}, Revision: r.Spec.Number,
	}, small(r, namespace, name), err
}

func inConfigMap(r *v1alpha1.Revision, namespace, name string) (client.Object, *v1alpha1.Revision, error) {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Immutable: new(true),
		Data: map[string]string{"intent": string(r.Spec.Intent.Raw), "managedFields": string(r.Spec.ManagedFields.Raw)},
	}, small(r, namespace, name), nil
}

func inPackedConfigMap(r *v1alpha1.Revision, namespace, name string) (client.Object, *v1alpha1.Revision, error) {
	data, err := compress(r)
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Immutable: new(true),
		BinaryData: map[string][]byte{"snapshot": data},
	}, small(r, namespace, name), err
}

// small is a Revision whose snapshot is elsewhere.
func small(r *v1alpha1.Revision, namespace, name string) *v1alpha1.Revision {
	made := fresh(r, namespace, name)
	made.Spec.Intent.Raw, made.Spec.ManagedFields.Raw = []byte("{}"), nil
	return made
}

// snapshot is what a rollback needs of a Revision, in one document.
func snapshot(r *v1alpha1.Revision) ([]byte, error) {
	return json.Marshal(map[string]json.RawMessage{"intent": r.Spec.Intent.Raw, "managedFields": r.Spec.ManagedFields.Raw})
}

func compress(r *v1alpha1.Revision) ([]byte, error) {
	plain, err := snapshot(r)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, errWrite := w.Write(plain)
	err = errors.Join(errWrite, w.Close())
	return packed.Bytes(), err
}

// fresh is a Revision as it would be made anew under another name.
func fresh(r *v1alpha1.Revision, namespace, name string) *v1alpha1.Revision {
	made := r.DeepCopy()
	made.ObjectMeta = metav1.ObjectMeta{Namespace: namespace, Name: name}
	return made
}
