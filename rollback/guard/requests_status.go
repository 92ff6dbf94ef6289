package guard

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/rollback"
)

// reply writes the answer to a request as an Event and notes it in a Revision, both once. A rejected request is not noted
// until its Event is written. A granted one is: the note lifts the quarantine, and must not wait for Events.
func (r *Reconciler) reply(ctx context.Context, v view, a rollback.Answer) (view, error) {
	if a.Outcome == "" {
		return v, nil
	}
	now := r.Clock.Now()
	reason := event.RequestRejected
	if a.Granted {
		reason = event.RetryAccepted
	}
	if err := r.Events.Write(ctx, event.Event{
		Reason: reason, Warning: !a.Granted, Regarding: event.ObjectRef(v.d), Key: a.Request, At: now,
		Message: event.Message(fmt.Sprintf("%s: %s", a.Request, a.Outcome), nil, ""),
	}); err != nil {
		v = v.notTold(err)
		if !a.Granted {
			return v, nil
		}
	}
	answered, err := r.patch(ctx, a.On, func(s *v1alpha1.WorkloadRevisionStatus) {
		s.Requests = append(s.Requests, v1alpha1.Request{Request: a.Request, Time: metav1.NewTime(now), Granted: a.Granted, Outcome: a.Outcome})
	})
	return v.with(answered), err
}
