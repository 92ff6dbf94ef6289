package guard

import (
	"context"
	"fmt"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/rollback"
)

// reply writes the answer to a request as an Event and notes it in a Revision, both once. A
// rejected request is not noted until its Event is written. An accepted one is: the note lifts the
// quarantine, and must not wait for Events.
func (r *Reconciler) reply(ctx context.Context, v view, a rollback.Answer) (view, error) {
	if a.Result == "" {
		return v, nil
	}
	now := r.Clock.Now()
	reason := v1alpha1.EventRequestRejected
	if a.Result == v1alpha1.RequestAccepted {
		reason = v1alpha1.EventRetryAccepted
	}
	if err := r.Events.Write(ctx, event.Event{
		Reason: reason, Warning: a.Result == v1alpha1.RequestRejected, Regarding: event.ObjectRef(v.d), Key: a.Request, At: now,
		Message: event.Message(fmt.Sprintf("%s: %s", a.Request, a.Message), nil, ""),
	}); err != nil {
		v = v.notTold(err)
		if a.Result == v1alpha1.RequestRejected {
			return v, nil
		}
	}
	answered, err := r.patch(ctx, a.On, func(s *v1alpha1.WorkloadRevisionStatus) {
		history.AnswerRequest(s, a.Request, a.Result, a.Message, now)
	})
	return v.with(answered), err
}
