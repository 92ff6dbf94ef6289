package history

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
)

// SetCompliant notes in a status what the policies object to, a line each, or that it cannot be told. It says whether
// the condition is another one now.
func SetCompliant(status *v1alpha1.RevisionStatus, violations []string, err error, now time.Time) (changed bool) {
	condition := metav1.Condition{
		Type: v1alpha1.ConditionCompliant, Status: metav1.ConditionTrue, Reason: "Allowed", LastTransitionTime: metav1.NewTime(now),
	}
	switch {
	case err != nil:
		condition.Status, condition.Reason, condition.Message = metav1.ConditionUnknown, "CannotTell", event.Message(err.Error(), nil, "")
	case len(violations) > 0:
		condition.Status, condition.Reason = metav1.ConditionFalse, "Violations"
		condition.Message = event.Message(fmt.Sprintf("%d violations, the first: %s", len(violations), violations[0]), nil, "")
	}
	return meta.SetStatusCondition(&status.Conditions, condition)
}

// Live is the revision of a Deployment as it is: the newest, if it is finished and of that intent; nil where it is not
// recorded yet.
func (h History) Live(d *appsv1.Deployment) *v1alpha1.Revision {
	if r := h.Newest(); r != nil && r.Status.Phase != "" && holds(r, d) {
		return r
	}
	return nil
}
