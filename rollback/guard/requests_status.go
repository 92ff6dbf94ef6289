package guard

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/rollback"
)

// reply notes the answer to a request and tells it, both once.
func (r *Reconciler) reply(ctx context.Context, d *appsv1.Deployment, a rollback.Answer) error {
	if a.Outcome == "" {
		return nil
	}
	now := r.Clock.Now()
	reason := event.RequestRejected
	if a.Granted {
		reason = event.RetryAccepted
	}
	if err := r.Events.Write(ctx, event.Event{
		Reason: reason, Warning: !a.Granted, Regarding: event.ObjectRef(d), Key: a.Request, At: now,
		Message: event.Message(fmt.Sprintf("%s: %s", a.Request, a.Outcome), nil, ""),
	}); err != nil {
		return err
	}
	return store.PatchStatus(ctx, r.Client, a.On, func(s *v1alpha1.WorkloadRevisionStatus) {
		s.Requests = append(s.Requests, v1alpha1.Request{Request: a.Request, Time: metav1.NewTime(now), Granted: a.Granted, Outcome: a.Outcome})
	})
}
