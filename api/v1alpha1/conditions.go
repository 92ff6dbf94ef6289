package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The types of the conditions. docs/api.md explains them.
const (
	// ConditionHealthy is True once the rollout was complete and stayed healthy for the bake time,
	// False once it failed, and Unknown without a verdict.
	ConditionHealthy = "Healthy"
	// ConditionRolledBack is True once another revision was restored in the place of this one.
	ConditionRolledBack = "RolledBack"
	// ConditionRollbackHeld is True while a rollback is due and Reprise does not perform it. Its
	// reason is a HoldReason. It is absent otherwise.
	ConditionRollbackHeld = "RollbackHeld"
	// ConditionCompliant says whether the policies allow the revision. Policies judge it when it is
	// recorded and, while it is live, whenever they change, so that it shows what admission did not
	// check.
	ConditionCompliant = "Compliant"
	// ConditionAdopted is True for a revision whose deployment Reprise did not watch. Such a revision
	// never triggers a rollback.
	ConditionAdopted = "Adopted"
	// ConditionFieldsLeftBehind is True for the first revision after a rollback if it still has fields
	// that the failed revision had removed, because its deployer does not learn of a rollback (Helm
	// 3).
	ConditionFieldsLeftBehind = "FieldsLeftBehind"
	// ConditionRedacted is True once Reprise removed everything from the revision that was deployed or
	// said. Its message is the reason. Such a revision is never restored.
	ConditionRedacted = "Redacted"
)

// The reasons of the conditions. Those of Healthy=False are a FailureReason, those of RollbackHeld
// a HoldReason.
const (
	// ReasonRolloutComplete is the reason of Healthy=True.
	ReasonRolloutComplete = "RolloutComplete"
	// ReasonProgressing is the reason of Healthy=Unknown while a rollout is under way.
	ReasonProgressing = "Progressing"
	// ReasonSuperseded is the reason of Healthy=Unknown for a revision that was replaced before there
	// was a verdict.
	ReasonSuperseded = "Superseded"
	// ReasonNotJudged is the reason of Healthy=Unknown for a revision that Reprise has not judged.
	ReasonNotJudged = "NotJudged"

	// ReasonRevisionFailed is the reason of RolledBack if the revision failed.
	ReasonRevisionFailed = "RevisionFailed"
	// ReasonRequested is the reason of RolledBack and Redacted if an annotation asked for it.
	ReasonRequested = "Requested"

	// ReasonAllowed is the reason of Compliant=True.
	ReasonAllowed = "Allowed"
	// ReasonViolations is the reason of Compliant=False.
	ReasonViolations = "Violations"
	// ReasonEvaluationFailed is the reason of Compliant=Unknown: a policy could not be evaluated.
	ReasonEvaluationFailed = "EvaluationFailed"

	// ReasonInitialList is the reason of Adopted for a workload that existed when Reprise first
	// looked.
	ReasonInitialList = "InitialList"
	// ReasonWatchGap is the reason of Adopted for an intent before which the API server could not
	// replay every change.
	ReasonWatchGap = "WatchGap"

	// ReasonClientStateNotUpdated is the reason of FieldsLeftBehind: the deployer keeps what it
	// applied last outside of the object.
	ReasonClientStateNotUpdated = "ClientStateNotUpdated"
)

// HoldReason says why Reprise does not perform a rollback that is due. It is the reason of the
// condition RollbackHeld and a label of the metrics.
type HoldReason string

// The reasons, as docs/rollback.md lists them.
const (
	HoldManual                 HoldReason = "Manual"
	HoldRestoredRevisionFailed HoldReason = "RestoredRevisionFailed"
	HoldOwnedByController      HoldReason = "OwnedByController"
	HoldPaused                 HoldReason = "Paused"
	HoldNoHealthyRevision      HoldReason = "NoHealthyRevision"
	HoldSameTemplate           HoldReason = "SameTemplate"
	HoldFilesWrittenAgain      HoldReason = "FilesWrittenAgain"
	HoldTooManyRollbacks       HoldReason = "TooManyRollbacks"
	HoldOvertaken              HoldReason = "Overtaken"
	HoldCannotRun              HoldReason = "CannotRun"
	HoldRejected               HoldReason = "Rejected"
	HoldTargetGone             HoldReason = "TargetGone"
	HoldNotCausedByChange      HoldReason = "NotCausedByChange"
)

// HoldReasons returns every HoldReason.
func HoldReasons() []HoldReason {
	return []HoldReason{
		HoldManual, HoldRestoredRevisionFailed, HoldOwnedByController, HoldPaused, HoldNoHealthyRevision, HoldSameTemplate,
		HoldFilesWrittenAgain, HoldTooManyRollbacks, HoldOvertaken, HoldCannotRun, HoldRejected, HoldTargetGone, HoldNotCausedByChange,
	}
}

// Condition returns the condition of a type, nil if there is none.
func (r *WorkloadRevision) Condition(kind string) *metav1.Condition {
	return meta.FindStatusCondition(r.Status.Conditions, kind)
}

// IsRecorded reports whether the recording of the revision is complete.
func (r *WorkloadRevision) IsRecorded() bool { return r.Status.Phase != "" }

// AwaitsVerdict reports whether the revision's rollout is under way, or its recording is not
// complete.
func (r *WorkloadRevision) AwaitsVerdict() bool {
	return !r.IsRecorded() || r.Status.Phase == PhaseProgressing
}

// IsAdopted reports whether the revision ran before Reprise could watch its deployment.
func (r *WorkloadRevision) IsAdopted() bool {
	return meta.IsStatusConditionTrue(r.Status.Conditions, ConditionAdopted)
}

// IsRedacted reports whether the revision was redacted, or is about to be. It is never restored.
func (r *WorkloadRevision) IsRedacted() bool {
	return r.Spec.Snapshot.Encoding == Redacted || r.Annotations[RedactAnnotation] != ""
}

// HasFailed reports whether the revision failed, rolled back or not.
func (r *WorkloadRevision) HasFailed() bool {
	return r.Status.Phase == PhaseFailed || r.Status.Phase == PhaseRolledBack
}

// RollbackHold returns the condition RollbackHeld, nil unless a rollback of the revision is due and
// is not performed.
func (r *WorkloadRevision) RollbackHold() *metav1.Condition {
	if held := r.Condition(ConditionRollbackHeld); held != nil && held.Status == metav1.ConditionTrue {
		return held
	}
	return nil
}

// IsRollbackOpen reports whether a rollback of the revision is stored and neither done nor held.
func (r *WorkloadRevision) IsRollbackOpen() bool {
	return r.Status.Rollback != nil && r.Status.Rollback.State == RollbackExecuting
}

// IsRollbackDone reports whether another revision was restored in the place of the revision.
func (r *WorkloadRevision) IsRollbackDone() bool {
	return r.Status.Rollback != nil && r.Status.Rollback.State == RollbackDone
}

// FilesOnly reports whether only the contents of Score's files changed: no pod was replaced.
func (r *WorkloadRevision) FilesOnly() bool { return r.Spec.ChangeScope == ChangeFilesOnly }

// SameWorkload reports whether two revisions of a name record the same Deployment, and not one that
// was deleted and one that was created after it.
func (r *WorkloadRevision) SameWorkload(as *WorkloadRevision) bool {
	return r.Spec.WorkloadRef.UID == as.Spec.WorkloadRef.UID
}

// RunsSame reports whether two revisions run the same: the same intent with the same files.
func (r *WorkloadRevision) RunsSame(as *WorkloadRevision) bool {
	return r.Spec.IntentHash == as.Spec.IntentHash && r.Spec.FilesDigest == as.Spec.FilesDigest
}

// PodsSame reports whether two revisions run the same pods: the same pod template with the same
// files.
func (r *WorkloadRevision) PodsSame(as *WorkloadRevision) bool {
	return r.Spec.TemplateHash == as.Spec.TemplateHash && r.Spec.FilesDigest == as.Spec.FilesDigest
}

// FailureMessage returns why the revision failed, empty if it did not.
func (r *WorkloadRevision) FailureMessage() string {
	if r.Status.Failure == nil {
		return ""
	}
	return r.Status.Failure.Message
}

// HasExternalCause reports whether the revision failed by what may lie outside what was deployed.
func (r *WorkloadRevision) HasExternalCause() bool {
	return r.Status.Failure != nil && r.Status.Failure.Reason == FailureExternalCause
}

// SavedEvidence returns what was saved of the revision's failing containers.
func (r *WorkloadRevision) SavedEvidence() []Evidence {
	if r.Status.Failure == nil {
		return nil
	}
	return r.Status.Failure.Evidence
}

// HoldMessage returns why a rollback of the revision is held, empty if it is not.
func (r *WorkloadRevision) HoldMessage() string {
	if held := r.RollbackHold(); held != nil {
		return held.Message
	}
	return ""
}
