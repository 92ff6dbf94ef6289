package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// WorkloadRevision is one accepted intent of one workload, and what became of it. Reprise alone
// writes WorkloadRevisions.
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
	// metadata is the object's metadata. Its name is that of the workload with the revision's
	// number.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what was accepted. It never changes, except that Reprise can redact it.
	// +required
	// +kubebuilder:validation:XValidation:rule="has(self.workloadGeneration) == has(oldSelf.workloadGeneration) && has(self.resourceVersion) == has(oldSelf.resourceVersion) && has(self.filesDigest) == has(oldSelf.filesDigest) && has(self.changeScope) == has(oldSelf.changeScope) && has(self.images) == has(oldSelf.images) && has(self.changeSummary) == has(oldSelf.changeSummary) && has(self.fieldManager) == has(oldSelf.fieldManager) && has(self.deliveredBy) == has(oldSelf.deliveredBy) && has(self.changeCause) == has(oldSelf.changeCause) && has(self.skippedRevisions) == has(oldSelf.skippedRevisions) && has(self.rollbackOf) == has(oldSelf.rollbackOf) && has(self.restoredFrom) == has(oldSelf.restoredFrom) && has(self.files) == has(oldSelf.files)",message="a revision is what was accepted once: its spec cannot be changed"
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
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	Number int64 `json:"number,omitempty"`
	// workloadRef names the workload whose revision this is.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	WorkloadRef WorkloadReference `json:"workloadRef,omitzero"`
	// workloadGeneration is the generation of the Deployment that it was taken from.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	WorkloadGeneration int64 `json:"workloadGeneration,omitempty"`
	// resourceVersion is the resourceVersion of the Deployment that it was taken from.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// intentHash identifies the intent. Equal hashes mean the same intent.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	IntentHash string `json:"intentHash,omitempty"`
	// templateHash identifies the pod template. Admission denies a failed one for a while.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	TemplateHash string `json:"templateHash,omitempty"`
	// filesDigest identifies the contents of Score's files. Pods differ if the template hash or
	// this digest differs.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	FilesDigest string `json:"filesDigest,omitempty"`
	// changeScope says which part changed compared with the revision before. With FilesOnly no pod
	// was replaced, and running pods may still use the old files.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	ChangeScope ChangeScope `json:"changeScope,omitempty"`
	// images are the images that it runs, without their registries, for people to read.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	Images string `json:"images,omitempty"`
	// changeSummary is what changed compared with the revision before, in short. Credentials are
	// masked.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self == oldSelf || self == 'redacted'",message="a revision is what was accepted once: its spec cannot be changed"
	ChangeSummary string `json:"changeSummary,omitempty"`
	// fieldManager is the field manager that wrote it, such as kubectl-client-side-apply, helm or
	// argocd-controller. A watch does not tell the user.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	FieldManager string `json:"fieldManager,omitempty"`
	// deliveredBy is what delivered it, according to the labels and annotations of Argo CD, Flux,
	// GitLab or Helm, such as "Argo CD application shop".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	DeliveredBy string `json:"deliveredBy,omitempty"`
	// changeCause is why it was deployed, if the deployer says so (annotation
	// kubernetes.io/change-cause).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self == oldSelf || self == 'redacted'",message="a revision is what was accepted once: its spec cannot be changed"
	ChangeCause string `json:"changeCause,omitempty"`
	// skippedRevisions is how many intents between the revision before and this one were not
	// recorded, because more arrived in a minute than are recorded.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	SkippedRevisions int64 `json:"skippedRevisions,omitempty"`
	// acceptedTime is when Reprise saw that the API server had stored it. A revision that changes
	// labels and annotations alone has that of the unfinished rollout that it goes on with.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	AcceptedTime metav1.Time `json:"acceptedTime,omitzero"`
	// rollbackOf is the number of the failed revision that this one replaced, if it is a rollback
	// by Reprise.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	RollbackOf int64 `json:"rollbackOf,omitempty"`
	// restoredFrom is the number of the revision whose intent this one restored, if it is a
	// rollback by Reprise.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	RestoredFrom int64 `json:"restoredFrom,omitempty"`
	// files are Score's files: what they held when the Deployment was stored.
	// +optional
	// +listType=map
	// +listMapKey=configMapName
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=512
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	Files []RevisionFile `json:"files,omitempty"`
	// snapshot is what a rollback writes, compressed. The parts that people look for are in plain
	// fields too.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf || self.encoding == 'redacted'",message="a revision is what was accepted once: its spec cannot be changed"
	Snapshot Snapshot `json:"snapshot,omitzero"`
}

// ChangeScope says which part of a workload a revision changed.
//
// +kubebuilder:validation:Enum=Initial;PodTemplate;Restart;FilesOnly;OtherFields
type ChangeScope string

const (
	// ChangeInitial means that there is no revision of this Deployment before it.
	ChangeInitial ChangeScope = "Initial"
	// ChangePodTemplate means that the pod template changed: pods are replaced.
	ChangePodTemplate ChangeScope = "PodTemplate"
	// ChangeRestart means that only a mark in the pod template changed, such as that of kubectl
	// rollout restart: pods are replaced by others of the same template.
	ChangeRestart ChangeScope = "Restart"
	// ChangeFilesOnly means that only the contents of Score's files changed: no pod is replaced.
	ChangeFilesOnly ChangeScope = "FilesOnly"
	// ChangeOtherFields means that neither the pod template nor a file changed.
	ChangeOtherFields ChangeScope = "OtherFields"
)

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
	// uid is the UID of the workload. A workload that is deleted and created again keeps its
	// history under another UID.
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
	// PhaseProgressing means that its rollout is under way, or was not healthy for the bake time
	// yet.
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

// WorkloadRevisionStatus is what became of a revision. Only package history changes its conditions
// and its phase.
//
// +kubebuilder:validation:MinProperties=1
type WorkloadRevisionStatus struct {
	// conditions hold the verdicts: Healthy, RolledBack, RollbackHeld, Compliant, Adopted,
	// FieldsLeftBehind and Redacted.
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
	// images are the digests of the images that its pods ran, as of the verdict. A container whose
	// node tells no digest is missing.
	// +optional
	// +listType=map
	// +listMapKey=containerName
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Images []ContainerImage `json:"images,omitempty"`
	// readyAfterSeconds is how long its slowest pod took from its start until it was ready, when
	// the revision became Healthy. A later revision whose predecessor has no pods left gets as long
	// twice.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ReadyAfterSeconds int32 `json:"readyAfterSeconds,omitempty"`
	// failure is why it failed. It stays when the revision is rolled back.
	// +optional
	Failure *Failure `json:"failure,omitempty"`
	// rollback is the rollback away from this revision. It is written before anything else is
	// written.
	// +optional
	Rollback *Rollback `json:"rollback,omitempty"`
	// requests are the answers to requests by annotations of the workload. Each value is answered
	// once.
	// +optional
	// +listType=map
	// +listMapKey=request
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Requests []Request `json:"requests,omitempty"`
	// workloadDeletedTime is when Reprise saw that the workload is deleted. Its history is deleted
	// after a while.
	// +optional
	WorkloadDeletedTime *metav1.Time `json:"workloadDeletedTime,omitempty"`
}
