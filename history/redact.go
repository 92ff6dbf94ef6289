package history

import (
	"time"

	"reprise.dev/reprise/api/v1alpha1"
)

// Redact removes from the spec of a revision everything that was deployed or said. What identifies
// the revision stays.
func Redact(r *v1alpha1.WorkloadRevision) {
	r.Spec.Snapshot = v1alpha1.Snapshot{Encoding: v1alpha1.Redacted, Data: v1alpha1.Redacted}
	redact(&r.Spec.ChangeSummary)
	redact(&r.Spec.ChangeCause)
}

// RedactStatus removes from the status of a revision everything that was said, and notes why.
func RedactStatus(s *v1alpha1.WorkloadRevisionStatus, reason string, now time.Time) {
	for i := range s.Conditions {
		redact(&s.Conditions[i].Message)
	}
	for i := range s.Requests {
		redact(&s.Requests[i].Message)
	}
	if f := s.Failure; f != nil {
		redact(&f.Message)
		f.Evidence = nil
		redactChanges(f)
	}
	setTrue(s, v1alpha1.ConditionRedacted, v1alpha1.ReasonRequested, reason, now)
}

// RedactReferences removes from a revision what it says of a redacted one: the changes since that
// one. It reports whether the spec and the status have changed.
func RedactReferences(r, redacted *v1alpha1.WorkloadRevision) (spec, status bool) {
	if r.Spec.Number == redacted.Spec.Number+1 && r.Spec.ChangeSummary != "" && r.Spec.ChangeSummary != v1alpha1.Redacted {
		redact(&r.Spec.ChangeSummary)
		spec = true
	}
	if f := r.Status.Failure; f != nil && f.ComparedWith == redacted.Spec.Number {
		status = redactChanges(f)
	}
	return spec, status
}

// redactChanges redacts the changes of a failure, and reports whether there were any.
func redactChanges(f *v1alpha1.Failure) bool {
	if len(f.Changes) == 0 || len(f.Changes) == 1 && f.Changes[0] == v1alpha1.Redacted {
		return false
	}
	f.Changes = []string{v1alpha1.Redacted}
	return true
}

// redact replaces a text, if there is one.
func redact(text *string) {
	if *text != "" {
		*text = v1alpha1.Redacted
	}
}
