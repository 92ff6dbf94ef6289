package guard

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/rollback"
)

// reply notes the answer to a request and tells it, both once.
func (r *Reconciler) reply(ctx context.Context, d *appsv1.Deployment, a rollback.Answer) error {
	if a.Result == "" {
		return nil
	}
	now := r.Clock.Now()
	reason := event.RequestRejected
	if a.Result == v1alpha1.RequestAccepted {
		reason = event.RetryAccepted
	}
	if err := r.Events.Write(ctx, event.Event{
		Reason: reason, Warning: a.Result == v1alpha1.RequestRejected, Regarding: event.ObjectRef(d), Key: a.Request, At: now,
		Message: event.Message(fmt.Sprintf("%s: %s", a.Request, a.Message), nil, ""),
	}); err != nil {
		return err
	}
	return store.PatchStatus(ctx, r.Client, a.On, func(s *v1alpha1.WorkloadRevisionStatus) {
		history.AnswerRequest(s, a.Request, a.Result, a.Message, now)
	})
}
