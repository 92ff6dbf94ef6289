package history

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
)

// SetCompliant sets the condition Compliant from the violations, a line each. err says that the
// policies could not be evaluated. It reports whether the condition has changed.
func SetCompliant(status *v1alpha1.WorkloadRevisionStatus, violations []string, err error, now time.Time) (changed bool) {
	condition := metav1.Condition{
		Type: v1alpha1.ConditionCompliant, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAllowed, LastTransitionTime: metav1.NewTime(now),
	}
	switch {
	case err != nil:
		condition.Status, condition.Reason, condition.Message = metav1.ConditionUnknown, v1alpha1.ReasonEvaluationFailed, event.Message(err.Error(), nil, "")
	case len(violations) > 0:
		condition.Status, condition.Reason = metav1.ConditionFalse, v1alpha1.ReasonViolations
		condition.Message = event.Message(fmt.Sprintf("%d violations, the first: %s", len(violations), violations[0]), nil, "")
	}
	return meta.SetStatusCondition(&status.Conditions, condition)
}
