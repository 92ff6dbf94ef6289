package guard

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/rollback"
)

// reply answers a request, once: it notes the answer in a revision and emits an Event. A rejected
// request is not noted until its Event is written. An accepted one is noted at once, because the
// note lifts the quarantine, and emitAll writes its Event.
func (r *Reconciler) reply(ctx context.Context, v view, a rollback.Answer) (view, error) {
	if a.Result == "" {
		return v, nil
	}
	now := r.Clock.Now()
	if a.Result == v1alpha1.RequestRejected {
		rejected := requestEvent(v.d, v1alpha1.Request{Request: a.Request, Message: a.Message, Time: metav1.NewTime(now)}, v1alpha1.EventRequestRejected)
		if err := r.Events.Write(ctx, rejected); err != nil {
			return v.withEmitError(err), nil
		}
	}
	answered, err := r.patch(ctx, a.On, func(s *v1alpha1.WorkloadRevisionStatus) {
		history.AnswerRequest(s, a.Request, a.Result, a.Message, now)
	})
	return v.with(answered), err
}

// denied returns why the active policies deny a requested revision, empty if they do not. A
// snapshot that cannot be read is left to the rollback, which is held for it.
func (r *Reconciler) denied(ctx context.Context, v view, target *v1alpha1.WorkloadRevision) (string, error) {
	whole, err := store.LoadFull(ctx, r.Live, target)
	if err != nil {
		return "", err
	}
	contents, err := history.DecodeSnapshot(whole)
	if err != nil {
		return "", nil
	}
	raw, _, err := r.applier().read(ctx, v.history.Newest())
	if err != nil {
		return "", err
	}
	contents.Intent.Onto(raw)
	d := &appsv1.Deployment{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw.Object, d); err != nil {
		return "", fmt.Errorf("reading revision %s: %w", target.Name, err)
	}
	violations, err := r.Auditor.Audit(ctx, d)
	if err != nil {
		return fmt.Sprintf("the policies cannot be evaluated for #%d: %v", target.Spec.Number, err), nil
	}
	if len(violations) > 0 {
		return rollback.Denied(target, violations), nil
	}
	return "", nil
}

// requestEvent returns the Event of the answer to a request.
func requestEvent(d *appsv1.Deployment, q v1alpha1.Request, reason v1alpha1.EventReason) event.Event {
	return event.Event{
		Reason: reason, Warning: reason == v1alpha1.EventRequestRejected, Regarding: event.ObjectRef(d), Key: q.Request, At: q.Time.Time,
		Message: event.Message(fmt.Sprintf("%s: %s", q.Request, q.Message), nil, ""),
	}
}
