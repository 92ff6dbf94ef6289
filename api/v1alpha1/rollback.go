package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RollbackState says how far a rollback is.
//
// +kubebuilder:validation:Enum=Executing;Held;Done
type RollbackState string

const (
	// RollbackExecuting means that the plan is stored, and that Reprise carries it out until it is
	// done or held.
	RollbackExecuting RollbackState = "Executing"
	// RollbackHeld means that it was stopped. The condition RollbackHeld says why.
	RollbackHeld RollbackState = "Held"
	// RollbackDone means that the intent and the ownership of its fields are restored.
	RollbackDone RollbackState = "Done"
)

// Rollback is the plan to restore another revision, and how far it is.
type Rollback struct {
	// state says how far the rollback is.
	// +required
	State RollbackState `json:"state,omitempty"`
	// toRevision is the number of the revision to restore.
	// +required
	// +kubebuilder:validation:Minimum=1
	ToRevision int64 `json:"toRevision,omitempty"`
	// toIntentHash is the hash of the intent to restore. The stored update with this hash completes
	// the rollback.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ToIntentHash string `json:"toIntentHash,omitempty"`
	// toFilesDigest is the digest of the files to restore.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ToFilesDigest string `json:"toFilesDigest,omitempty"`
	// pinnedImages are the references that the rollback writes with their digests, because their tags
	// name other bytes now than those that ran. The hash of the intent includes them.
	// +optional
	// +listType=map
	// +listMapKey=containerName
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	PinnedImages []PinnedImage `json:"pinnedImages,omitempty"`
	// attempt counts the rollbacks of the workload within an hour. Each waits longer, and their number
	// is limited. It is absent for a rollback on request.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Attempt int32 `json:"attempt,omitempty"`
	// request is the annotation and its value that asked for the rollback. It is absent if a failure
	// caused it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Request string `json:"request,omitempty"`
	// startTime is when the rollback was decided.
	// +required
	StartTime metav1.Time `json:"startTime,omitzero"`
	// completionTime is when it was done.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
}

// RequestResult is the answer to a request.
//
// +kubebuilder:validation:Enum=Accepted;Rejected
type RequestResult string

const (
	// RequestAccepted means that Reprise did what was asked for.
	RequestAccepted RequestResult = "Accepted"
	// RequestRejected means that Reprise cannot do what was asked for.
	RequestRejected RequestResult = "Rejected"
)

// Request is a request by an annotation of the workload, and the answer.
type Request struct {
	// request is the annotation and its value, such as reprise.dev/retry=5.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Request string `json:"request,omitempty"`
	// time is when it was answered.
	// +required
	Time metav1.Time `json:"time,omitzero"`
	// result is the answer.
	// +required
	Result RequestResult `json:"result,omitempty"`
	// message explains the result.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
}
