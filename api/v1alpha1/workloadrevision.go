package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// WorkloadRevision is one accepted intent of one workload, and what became of it. Reprise alone writes
// WorkloadRevisions.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=wrev,path=workloadrevisions,categories=reprise
// +kubebuilder:subresource:status
// +kubebuilder:metadata:annotations="helm.sh/resource-policy=keep"
// +kubebuilder:selectablefield:JSONPath=".spec.workloadRef.name"
// +kubebuilder:selectablefield:JSONPath=".status.phase"
// +kubebuilder:printcolumn:name="Workload",type=string,JSONPath=".spec.workloadRef.name",priority=1
// +kubebuilder:printcolumn:name="Revision",type=integer,JSONPath=".spec.number"
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=".status.phase"
// +kubebuilder:printcolumn:name="Images",type=string,JSONPath=".spec.images"
// +kubebuilder:printcolumn:name="Change",type=string,JSONPath=".spec.changeSummary"
// +kubebuilder:printcolumn:name="By",type=string,JSONPath=".spec.fieldManager"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=".spec.acceptedTime"
// +kubebuilder:printcolumn:name="Error",type=string,JSONPath=".status.failure.message"
type WorkloadRevision struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's metadata. Its name is that of the workload with the revision's number.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what was accepted. It never changes.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	Spec WorkloadRevisionSpec `json:"spec,omitzero"`
	// status is what became of it.
	// +optional
	Status WorkloadRevisionStatus `json:"status,omitzero"`
}

// WorkloadRevisionList is a list of WorkloadRevisions.
//
// +kubebuilder:object:root=true
type WorkloadRevisionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []WorkloadRevision `json:"items"`
}

// WorkloadRevisionSpec is what was accepted.
type WorkloadRevisionSpec struct {
	// number counts the workload's revisions: 1, 2, 3 and so on, never renumbered.
	// +required
	// +kubebuilder:validation:Minimum=1
	Number int64 `json:"number,omitempty"`
	// workloadRef names the workload whose revision this is.
	// +required
	WorkloadRef WorkloadReference `json:"workloadRef,omitzero"`
	// workloadGeneration is the generation of the Deployment that it was taken from.
	// +optional
	// +kubebuilder:validation:Minimum=1
	WorkloadGeneration int64 `json:"workloadGeneration,omitempty"`
	// resourceVersion is the resourceVersion of the Deployment that it was taken from.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// intentHash identifies the intent. Equal hashes mean the same intent.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	IntentHash string `json:"intentHash,omitempty"`
	// templateHash identifies the pod template. Admission rejects a failed one for a while.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	TemplateHash string `json:"templateHash,omitempty"`
	// filesDigest identifies the contents of Score's files. Pods differ if the template hash or this digest differs.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	FilesDigest string `json:"filesDigest,omitempty"`
	// changeScope says which part changed compared with the revision before. With FilesOnly no pod was replaced, and
	// running pods may still use the old files.
	// +optional
	ChangeScope ChangeScope `json:"changeScope,omitempty"`
	// images are the images that it runs, without their registries, for people to read.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Images string `json:"images,omitempty"`
	// changeSummary is what changed compared with the revision before, in short. Credentials are masked.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	ChangeSummary string `json:"changeSummary,omitempty"`
	// fieldManager is the field manager that wrote it, such as kubectl-client-side-apply, helm or argocd-controller.
	// A watch does not tell the user.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	FieldManager string `json:"fieldManager,omitempty"`
	// deliveredBy is what delivered it, according to the labels and annotations of Argo CD, Flux, GitLab or Helm, such
	// as "Argo CD application shop".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	DeliveredBy string `json:"deliveredBy,omitempty"`
	// changeCause is why it was deployed, if the deployer says so (annotation kubernetes.io/change-cause).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	ChangeCause string `json:"changeCause,omitempty"`
	// skippedRevisions is how many intents between the revision before and this one were not recorded, because more
	// arrived in a minute than are recorded.
	// +optional
	// +kubebuilder:validation:Minimum=1
	SkippedRevisions int64 `json:"skippedRevisions,omitempty"`
	// acceptedTime is when Reprise saw that the API server had stored it.
	// +required
	AcceptedTime metav1.Time `json:"acceptedTime,omitzero"`
	// rollbackOf is the number of the failed revision that this one replaced, if it is a rollback by Reprise.
	// +optional
	// +kubebuilder:validation:Minimum=1
	RollbackOf int64 `json:"rollbackOf,omitempty"`
	// restoredFrom is the number of the revision whose intent this one restored, if it is a rollback by Reprise.
	// +optional
	// +kubebuilder:validation:Minimum=1
	RestoredFrom int64 `json:"restoredFrom,omitempty"`
	// files are Score's files: what they held when the Deployment was stored.
	// +optional
	// +listType=map
	// +listMapKey=configMapName
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=512
	Files []RevisionFile `json:"files,omitempty"`
	// snapshot is what a rollback writes, compressed. The parts that people look for are in plain fields too.
	// +required
	Snapshot Snapshot `json:"snapshot,omitzero"`
}

// ChangeScope says which part of a workload a revision changed.
//
// +kubebuilder:validation:Enum=Initial;PodTemplate;FilesOnly;OtherFields
type ChangeScope string

const (
	// ChangeInitial means that there is no revision of this Deployment before it.
	ChangeInitial ChangeScope = "Initial"
	// ChangePodTemplate means that the pod template changed: pods are replaced.
	ChangePodTemplate ChangeScope = "PodTemplate"
	// ChangeFilesOnly means that only the contents of Score's files changed: no pod is replaced.
	ChangeFilesOnly ChangeScope = "FilesOnly"
	// ChangeOtherFields means that neither the pod template nor a file changed.
	ChangeOtherFields ChangeScope = "OtherFields"
)

// Snapshot is what a rollback writes: the intent as the API server had it (labels, annotations and spec, without
// replicas), which manager owned which field, and the contents of Score's files.
type Snapshot struct {
	// encoding is how the data is encoded, with its version: gzip+json/v1 is a JSON document of intent, managedFields
	// and files, compressed by gzip.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Encoding string `json:"encoding,omitempty"`
	// data is the encoded document, in base64. To read it: kubectl get wrev NAME -o jsonpath='{.spec.snapshot.data}' | base64 -d | gunzip
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1572864
	Data string `json:"data,omitempty"`
}

// RevisionFile is one of Score's files as a revision ran with it.
type RevisionFile struct {
	// configMapName names the ConfigMap that holds it, under the key file.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ConfigMapName string `json:"configMapName,omitempty"`
	// state says what is known of the content.
	// +required
	State FileState `json:"state,omitempty"`
	// mounts are where containers read it.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	Mounts []FileMount `json:"mounts,omitempty"`
	// resourceVersion is the resourceVersion of the ConfigMap that it was taken from.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// hash identifies the content.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Hash string `json:"hash,omitempty"`
	// sizeBytes is the size of the content in bytes. It is absent for an empty file.
	// +optional
	// +kubebuilder:validation:Minimum=1
	SizeBytes int64 `json:"sizeBytes,omitempty"`
}

// FileState says what a revision knows of one of Score's files.
//
// +kubebuilder:validation:Enum=Kept;KeptLate;TooLarge;Missing
type FileState string

const (
	// FileKept means that the snapshot holds the content that the file had when the Deployment was stored.
	FileKept FileState = "Kept"
	// FileKeptLate means that the file was written after the Deployment was stored, and that its content before is not
	// known any more: the snapshot holds the later content, and pods may have started with an earlier one.
	FileKeptLate FileState = "KeptLate"
	// FileTooLarge means that the content was too large for the snapshot: a rollback cannot write it.
	FileTooLarge FileState = "TooLarge"
	// FileMissing means that the ConfigMap did not exist.
	FileMissing FileState = "Missing"
)

// FileMount is a place where a container reads a file.
type FileMount struct {
	// containerName names the container.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	ContainerName string `json:"containerName,omitempty"`
	// path is the file's path in the container.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Path string `json:"path,omitempty"`
}

// WorkloadReference names the workload that a revision belongs to, in the revision's own namespace.
type WorkloadReference struct {
	// apiVersion is the API group and version of the workload, such as apps/v1.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	APIVersion string `json:"apiVersion,omitempty"`
	// kind is the kind of the workload, such as Deployment.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind,omitempty"`
	// name is the name of the workload.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
	// uid is the UID of the workload. A workload that is deleted and created again keeps its history under another UID.
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	UID types.UID `json:"uid,omitempty"`
}

// Phase sums up a revision's conditions in one word, for the printed column and for selection.
//
// +kubebuilder:validation:Enum=Unknown;Progressing;Healthy;Failed;RolledBack;Superseded
type Phase string

const (
	// PhaseUnknown means that Reprise does not know whether it is healthy.
	PhaseUnknown Phase = "Unknown"
	// PhaseProgressing means that its rollout is under way, or was not healthy for the bake time yet.
	PhaseProgressing Phase = "Progressing"
	// PhaseHealthy means that its rollout was complete and stayed healthy for the bake time.
	PhaseHealthy Phase = "Healthy"
	// PhaseFailed means that its rollout failed.
	PhaseFailed Phase = "Failed"
	// PhaseRolledBack means that its rollout failed and another revision was restored.
	PhaseRolledBack Phase = "RolledBack"
	// PhaseSuperseded means that another revision replaced it before there was a verdict.
	PhaseSuperseded Phase = "Superseded"
)

// Phases returns every phase.
func Phases() []Phase {
	return []Phase{PhaseUnknown, PhaseProgressing, PhaseHealthy, PhaseFailed, PhaseRolledBack, PhaseSuperseded}
}

// WorkloadRevisionStatus is what became of a revision. Only package history changes its conditions and its phase.
type WorkloadRevisionStatus struct {
	// conditions hold the verdicts: Healthy, RolledBack, RollbackHeld, Compliant, Adopted and FieldsLeftBehind.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// phase sums the conditions up in one word. It is absent until the recording is complete.
	// +optional
	Phase Phase `json:"phase,omitempty"`
	// phaseTransitionTime is when the phase was reached.
	// +optional
	PhaseTransitionTime *metav1.Time `json:"phaseTransitionTime,omitempty"`
	// failure is why it failed. It stays when the revision is rolled back.
	// +optional
	Failure *Failure `json:"failure,omitempty"`
	// rollback is the rollback away from this revision. It is written before anything else is written.
	// +optional
	Rollback *Rollback `json:"rollback,omitempty"`
	// requests are the answers to requests by annotations of the workload. Each value is answered once.
	// +optional
	// +listType=map
	// +listMapKey=request
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Requests []Request `json:"requests,omitempty"`
	// workloadDeletedTime is when Reprise saw that the workload is deleted. Its history is deleted after a while.
	// +optional
	WorkloadDeletedTime *metav1.Time `json:"workloadDeletedTime,omitempty"`
}

// Failure is why a revision failed, and what was saved then.
type Failure struct {
	// time is when it was judged to have failed.
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
	// changes are what it changed compared with the last healthy revision, a field a line. Credentials are masked.
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
	// configMaps are the ConfigMaps that its pods read when it failed. A change of one may have fixed the cause.
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
	// FailureExternalCause means that the cause may lie outside what was deployed, such as in a Secret or at a
	// registry, and may be fixed there without Reprise noticing.
	FailureExternalCause FailureReason = "ExternalCause"
	// FailureRepeated means that the same pod template and files failed before, and came past admission.
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

// RollbackState says how far a rollback is.
//
// +kubebuilder:validation:Enum=Executing;Held;Done
type RollbackState string

const (
	// RollbackExecuting means that the plan is stored, and that Reprise carries it out until it is done or held.
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
	// toIntentHash is the hash of the intent to restore. The stored update with this hash completes the rollback.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ToIntentHash string `json:"toIntentHash,omitempty"`
	// toFilesDigest is the digest of the files to restore.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ToFilesDigest string `json:"toFilesDigest,omitempty"`
	// attempt counts the rollbacks of the workload within an hour. Each waits longer, and their number is limited. It is
	// absent for a rollback on request.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Attempt int32 `json:"attempt,omitempty"`
	// request is the annotation and its value that asked for the rollback. It is absent if a failure caused it.
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
