// Package v1alpha1 holds the WorkloadRevision, in which Reprise keeps what ran before and what
// became of it, and the names by which programs know what Reprise writes: conditions and their
// reasons, annotations and labels, reasons of Events.
//
// +kubebuilder:object:generate=true
// +groupName=reprise.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the API's group and version.
var GroupVersion = schema.GroupVersion{Group: "reprise.dev", Version: "v1alpha1"}

// AddToScheme registers the types of this package.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &WorkloadRevision{}, &WorkloadRevisionList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
