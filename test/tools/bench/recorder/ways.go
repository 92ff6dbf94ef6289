package main

import (
	"encoding/base64"
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
)

// whole is a revision as it is.
func whole(r *v1alpha1.WorkloadRevision, namespace, name string) (client.Object, *v1alpha1.WorkloadRevision, error) {
	return nil, fresh(r, namespace, name), nil
}

func inControllerRevision(r *v1alpha1.WorkloadRevision, namespace, name string) (client.Object, *v1alpha1.WorkloadRevision, error) {
	contents, err := history.DecodeSnapshot(r)
	if err != nil {
		return nil, nil, err
	}
	data, err := json.Marshal(contents)
	return &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Data:       runtime.RawExtension{Raw: data}, Revision: r.Spec.Number,
	}, small(r, namespace, name), err
}

func inConfigMap(r *v1alpha1.WorkloadRevision, namespace, name string) (client.Object, *v1alpha1.WorkloadRevision, error) {
	data, err := base64.StdEncoding.DecodeString(r.Spec.Snapshot.Data)
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Immutable: new(true),
		BinaryData: map[string][]byte{"snapshot": data},
	}, small(r, namespace, name), err
}

// small is a revision whose snapshot is elsewhere.
func small(r *v1alpha1.WorkloadRevision, namespace, name string) *v1alpha1.WorkloadRevision {
	made := fresh(r, namespace, name)
	made.Spec.Snapshot.Data = "-" // The definition requires one.
	return made
}

// fresh is a revision as it would be made anew under another name.
func fresh(r *v1alpha1.WorkloadRevision, namespace, name string) *v1alpha1.WorkloadRevision {
	made := r.DeepCopy()
	made.ObjectMeta = metav1.ObjectMeta{Namespace: namespace, Name: name}
	return made
}
