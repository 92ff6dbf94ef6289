package rollback

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history"
)

// reply notes the answer to a request and tells it, both once.
func (r *Reconciler) reply(ctx context.Context, d *appsv1.Deployment, a answer) error {
	if a.outcome == "" {
		return nil
	}
	now := r.Clock.Now()
	reason := event.RequestVoid
	if a.granted {
		reason = event.RequestGranted
	}
	if err := r.Events.Write(ctx, event.Event{
		Reason: reason, Warning: !a.granted, About: event.About(d), Key: a.request, At: now,
		Message: event.Message(fmt.Sprintf("%s: %s", a.request, a.outcome), nil, ""),
	}); err != nil {
		return err
	}
	return history.PatchStatus(ctx, r.Client, a.on, func(s *v1alpha1.RevisionStatus) {
		s.Requests = append(s.Requests, v1alpha1.Request{Request: a.request, At: metav1.NewTime(now), Granted: a.granted, Outcome: a.outcome})
	})
}
