package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// WorkloadRevision is one accepted intent of one workload, and what became of it. Reprise writes Revisions; everyone
// else only reads them.
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
// +kubebuilder:printcolumn:name="Error",type=string,JSONPath=".status.error"
type WorkloadRevision struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What was accepted. It never changes.
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a revision is what was accepted once: its spec cannot be changed"
	Spec WorkloadRevisionSpec `json:"spec"`
	// What became of it.
	// +optional
	Status WorkloadRevisionStatus `json:"status,omitempty"`
}

// WorkloadRevisionList is a list of Revisions.
//
// +kubebuilder:object:root=true
type WorkloadRevisionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []WorkloadRevision `json:"items"`
}

// WorkloadRevisionSpec is what was accepted.
type WorkloadRevisionSpec struct {
	// Counts the workload's revisions: 1, 2, 3 and so on, never renumbered.
	// +kubebuilder:validation:Minimum=1
	Number int64 `json:"number"`
	// Whose revision this is.
	WorkloadRef WorkloadReference `json:"workloadRef"`
	// Identifies the intent. Equal hashes mean the same intent.
	IntentHash string `json:"intentHash"`
	// Identifies the pod template. A failed one is refused at admission for a while.
	TemplateHash string `json:"templateHash"`
	// Identifies the contents of Score's files. Together with the template hash it says what makes pods differ.
	// +optional
	FilesDigest string `json:"filesDigest,omitempty"`
	// Only the contents of Score's files changed: no pod was replaced, and what runs may still know the old ones.
	// +optional
	FilesOnly bool `json:"filesOnly,omitempty"`
	// The images that it runs, without their registries, for people to read.
	// +optional
	Images string `json:"images,omitempty"`
	// What changed against the revision before, in short, with credentials masked.
	// +optional
	ChangeSummary string `json:"changeSummary,omitempty"`
	// The field manager that wrote it, such as kubectl-client-side-apply, helm or argocd-controller. A watch
	// does not tell the user.
	// +optional
	FieldManager string `json:"fieldManager,omitempty"`
	// What delivered it, by the marks of Argo CD, Flux, GitLab or Helm, such as "Argo CD application shop".
	// +optional
	DeliveredBy string `json:"deliveredBy,omitempty"`
	// Why it was deployed, where the deployer says so (annotation kubernetes.io/change-cause).
	// +optional
	ChangeCause string `json:"changeCause,omitempty"`
	// How many intents between the revision before and this one were left out, since more came than are recorded
	// in a minute.
	// +optional
	SkippedRevisions int64 `json:"skippedRevisions,omitempty"`
	// When the API server had stored it, as Reprise saw it.
	AcceptedTime metav1.Time `json:"acceptedTime"`
	// The resourceVersion of the Deployment that it was taken from.
	// +optional
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// The number of the failed revision that this one replaced, where Reprise itself wrote it.
	// +optional
	RollbackOf int64 `json:"rollbackOf,omitempty"`
	// The number of the revision whose intent this one put back, where Reprise itself wrote it.
	// +optional
	RestoredFrom int64 `json:"restoredFrom,omitempty"`
	// Score's files: what they held when the Deployment was stored.
	// +optional
	// +listType=map
	// +listMapKey=configMapName
	Files []RevisionFile `json:"files,omitempty"`
	// What a rollback writes back, compressed. What people look for in it stands beside it in plain fields.
	Snapshot Snapshot `json:"snapshot"`
}

// Snapshot is what a rollback writes back: the intent as the API server had it (labels, annotations and spec, without
// replicas), which manager owned which field, and what Score's files held.
type Snapshot struct {
	// How the data is encoded, with its version: gzip+json/v1 is a JSON document of intent, managedFields and files,
	// compressed by gzip.
	Encoding string `json:"encoding"`
	// The encoded document, in base64. To read it: kubectl get wrev NAME -o jsonpath='{.spec.snapshot.data}' | base64 -d | gunzip
	Data string `json:"data"`
}

// RevisionFile is one of Score's files as a revision ran with it.
type RevisionFile struct {
	// The ConfigMap that holds it, under the key file.
	ConfigMapName string `json:"configMapName"`
	// Where containers see it, as container:path.
	// +optional
	// +listType=atomic
	SeenAt []string `json:"seenAt,omitempty"`
	// The resourceVersion of the ConfigMap that it was taken from.
	// +optional
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// Identifies the content.
	// +optional
	Hash string `json:"hash,omitempty"`
	// The content's size in bytes.
	// +optional
	Size int64 `json:"size,omitempty"`
	// The content was too large to be kept in the snapshot: it cannot be put back.
	// +optional
	Omitted bool `json:"omitted,omitempty"`
	// The ConfigMap did not exist.
	// +optional
	Missing bool `json:"missing,omitempty"`
	// The ConfigMap holds the content in data, not in binaryData.
	// +optional
	Text bool `json:"text,omitempty"`
	// It was written after the Deployment was stored, and what it held until then is not known any more: the pods may
	// have started with an older content than this one.
	// +optional
	WrittenAfter bool `json:"writtenAfter,omitempty"`
}

// WorkloadReference names the workload that a revision belongs to.
type WorkloadReference struct {
	// The kind, such as Deployment.
	Kind string `json:"kind"`
	// The name, in the Revision's own namespace.
	Name string `json:"name"`
	// The UID that it had: a workload deleted and made again keeps its history under another UID.
	UID types.UID `json:"uid"`
}

// Phase is a revision's state.
//
// +kubebuilder:validation:Enum=Unknown;Progressing;Healthy;Failed;RolledBack;Superseded
type Phase string

const (
	// PhaseUnknown means that Reprise cannot tell.
	PhaseUnknown Phase = "Unknown"
	// PhaseProgressing means that its rollout is under way, or has not stayed well for the bake time.
	PhaseProgressing Phase = "Progressing"
	// PhaseHealthy means that its rollout was complete and stayed well for the bake time.
	PhaseHealthy Phase = "Healthy"
	// PhaseFailed means that its rollout failed.
	PhaseFailed Phase = "Failed"
	// PhaseRolledBack means that its rollout failed and another revision was put back.
	PhaseRolledBack Phase = "RolledBack"
	// PhaseSuperseded means that another revision replaced it before there was a verdict.
	PhaseSuperseded Phase = "Superseded"
)

// ConditionAdopted is true on a revision that ran before Reprise could watch it being deployed: it never
// triggers a rollback.
const ConditionAdopted = "Adopted"

// ConditionCompliant says whether the policies allow a revision, judged once more when it was recorded and, while it is
// live, whenever the policies change: what admission did not check is seen so.
const ConditionCompliant = "Compliant"

// ConditionFieldsLeftBehind is true on the first revision after a rollback where it still has what the failed revision had
// removed, since its deployer does not learn of the rollback (Helm 3).
const ConditionFieldsLeftBehind = "FieldsLeftBehind"

// WorkloadRevisionStatus is what became of a revision.
type WorkloadRevisionStatus struct {
	// The revision's state.
	// +optional
	Phase Phase `json:"phase,omitempty"`
	// When the phase was reached.
	// +optional
	PhaseTransitionTime *metav1.Time `json:"phaseTransitionTime,omitempty"`
	// When it was judged to have failed; it stays when the revision is rolled back.
	// +optional
	FailedTime *metav1.Time `json:"failedTime,omitempty"`
	// Why it failed, in one line.
	// +optional
	Error string `json:"error,omitempty"`
	// What it changed against the last healthy revision, noted when it failed: a field a line, with credentials masked.
	// +optional
	// +listType=atomic
	Diff []string `json:"diff,omitempty"`
	// The number of the revision that the diff is against.
	// +optional
	DiffAgainst int64 `json:"diffAgainst,omitempty"`
	// The cause may lie outside of what was deployed, such as in a Secret or at a registry, and heal by itself.
	// +optional
	CauseOutside bool `json:"causeOutside,omitempty"`
	// The ConfigMaps that its pods read when it failed: a change of one may have healed it.
	// +optional
	// +listType=map
	// +listMapKey=name
	ConfigMaps []ConfigMapReference `json:"configMaps,omitempty"`
	// What its failing containers left behind, saved before their pods were gone.
	// +optional
	// +listType=atomic
	Evidence []Evidence `json:"evidence,omitempty"`
	// The rollback away from this revision, written before anything else is written.
	// +optional
	Rollback *Rollback `json:"rollback,omitempty"`
	// What people asked of it by annotations of the workload, each value answered once.
	// +optional
	// +listType=map
	// +listMapKey=request
	Requests []Request `json:"requests,omitempty"`
	// Why a rollback that was due was not done.
	// +optional
	Hold string `json:"hold,omitempty"`
	// Since when the workload has been gone; its history is deleted after a while.
	// +optional
	WorkloadDeletedTime *metav1.Time `json:"workloadDeletedTime,omitempty"`
	// Adopted: it ran before Reprise could watch it being deployed. Compliant: the policies allow it. FieldsLeftBehind: it still
	// has what the failed revision before it had removed.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// The events that were emitted about it: none is told twice.
	// +optional
	// +listType=set
	Events []string `json:"events,omitempty"`
}

// Evidence is what one failing container left behind.
type Evidence struct {
	// The pod.
	Pod string `json:"pod"`
	// The container; empty where the pod itself could not be created.
	// +optional
	Container string `json:"container,omitempty"`
	// The reason that Kubernetes gave, such as CrashLoopBackOff.
	// +optional
	Reason string `json:"reason,omitempty"`
	// The message that came with it, with credentials masked.
	// +optional
	Message string `json:"message,omitempty"`
	// The exit code of its last end.
	// +optional
	ExitCode *int32 `json:"exitCode,omitempty"`
	// How often it was restarted.
	// +optional
	RestartCount int32 `json:"restartCount,omitempty"`
	// The last lines of its log, with credentials masked.
	// +optional
	// +listType=atomic
	Log []string `json:"log,omitempty"`
	// The last lines of the log of the run before, with credentials masked.
	// +optional
	// +listType=atomic
	PreviousLog []string `json:"previousLog,omitempty"`
	// What the cluster said of the pod, the newest last, with credentials masked.
	// +optional
	// +listType=atomic
	Events []string `json:"events,omitempty"`
}

// Rollback is the plan to put another revision back, and how far it came.
type Rollback struct {
	// The number of the revision to put back.
	To int64 `json:"to"`
	// The hash of its intent: the stored update that bears it closes the rollback.
	ToIntentHash string `json:"toIntentHash"`
	// The digest of its files.
	// +optional
	ToFilesDigest string `json:"toFilesDigest,omitempty"`
	// Which rollback of the workload within an hour it is: each pauses longer, and their number is bounded.
	// +optional
	Attempt int32 `json:"attempt,omitempty"`
	// The annotation that asked for it; empty where it was done because the revision failed.
	// +optional
	Request string `json:"request,omitempty"`
	// When the rollback was decided.
	StartTime metav1.Time `json:"startTime"`
	// When it was complete: the intent and the ownership of its fields were back.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
}

// ConfigMapReference identifies what a ConfigMap held.
type ConfigMapReference struct {
	// The ConfigMap's name.
	Name string `json:"name"`
	// Identifies the content; empty where the ConfigMap did not exist.
	// +optional
	Hash string `json:"hash,omitempty"`
}

// Request is what somebody asked for by an annotation of the workload.
type Request struct {
	// The annotation and its value, such as reprise.dev/retry=5.
	Request string `json:"request"`
	// When it was answered.
	Time metav1.Time `json:"time"`
	// Whether it was done; one that is void was asked in vain.
	// +optional
	Granted bool `json:"granted,omitempty"`
	// What became of it.
	Outcome string `json:"outcome"`
}
