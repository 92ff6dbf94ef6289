package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Failure is why a revision failed, and what was saved then.
type Failure struct {
	// time is when Reprise found that it failed.
	// +required
	Time metav1.Time `json:"time,omitzero"`
	// reason says what kind of failure it is.
	// +required
	Reason FailureReason `json:"reason,omitempty"`
	// message says why it failed, in one line. Credentials are masked.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
	// changes are what it changed compared with the last healthy revision, a field a line. Credentials
	// are masked.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=0
	// +kubebuilder:validation:items:MaxLength=8192
	Changes []string `json:"changes,omitempty"`
	// comparedWith is the number of the revision that the changes are compared with.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ComparedWith int64 `json:"comparedWith,omitempty"`
	// configMaps are the ConfigMaps that its pods read when it failed. A change of one may have fixed
	// the cause.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	ConfigMaps []ConfigMapDigest `json:"configMaps,omitempty"`
	// evidence is what was saved of its failing containers before their pods were deleted.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Evidence []Evidence `json:"evidence,omitempty"`
}

// FailureReason says what kind of failure it is. It is the reason of the condition Healthy too.
//
// +kubebuilder:validation:Enum=WorkloadFailed;ExternalCause;RepeatedFailure
type FailureReason string

const (
	// FailureWorkloadFailed means that the rollout of what was deployed failed.
	FailureWorkloadFailed FailureReason = "WorkloadFailed"
	// FailureExternalCause means that the cause may lie outside what was deployed, such as in a Secret
	// or at a registry, and may be fixed there without Reprise noticing.
	FailureExternalCause FailureReason = "ExternalCause"
	// FailureRepeated means that the same pod template and files failed before, and came past
	// admission.
	FailureRepeated FailureReason = "RepeatedFailure"
)

// ConfigMapDigest identifies the content of a ConfigMap.
type ConfigMapDigest struct {
	// name is the ConfigMap's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
	// hash identifies the content. It is absent if the ConfigMap did not exist.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Hash string `json:"hash,omitempty"`
}

// Evidence is what was saved of one failing container.
type Evidence struct {
	// podName names the pod, or the ReplicaSet if no pod could be created.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PodName string `json:"podName,omitempty"`
	// containerName names the container. It is absent if the pod as such failed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	ContainerName string `json:"containerName,omitempty"`
	// reason is the reason that Kubernetes gave, such as CrashLoopBackOff.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Reason string `json:"reason,omitempty"`
	// message is the message that came with the reason. Credentials are masked.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Message string `json:"message,omitempty"`
	// exitCode is the exit code of its last run.
	// +optional
	ExitCode *int32 `json:"exitCode,omitempty"`
	// restartCount is how often it was restarted.
	// +optional
	// +kubebuilder:validation:Minimum=1
	RestartCount int32 `json:"restartCount,omitempty"`
	// log is the last lines of its log. Credentials are masked.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=0
	// +kubebuilder:validation:items:MaxLength=4096
	Log []string `json:"log,omitempty"`
	// previousLog is the last lines of the log of the run before. Credentials are masked.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=0
	// +kubebuilder:validation:items:MaxLength=4096
	PreviousLog []string `json:"previousLog,omitempty"`
	// events are the last Events about the pod, the newest last. Credentials are masked.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=0
	// +kubebuilder:validation:items:MaxLength=4096
	Events []string `json:"events,omitempty"`
}
