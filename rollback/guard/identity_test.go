package guard

import (
	"errors"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/health"
	"reprise.dev/reprise/internal/fakeapi"
)

// overdue has the deployment controller report that the rollout made no progress, at a time.
func (b *bench) overdue(at time.Time) {
	b.Helper()
	fakeapi.ChangeStatus(b, b.api, b.deployment(), func(d *appsv1.Deployment) {
		d.Status.ObservedGeneration = d.Generation
		d.Status.Conditions = []appsv1.DeploymentCondition{{
			Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded",
			LastUpdateTime: metav1.NewTime(at), LastTransitionTime: metav1.NewTime(at),
		}}
	})
}

// TestReconciler_FormerDeadline has the deployment controller leave the condition of the failed
// revision, which it wrote in the second of the rollback, or just after it.
func TestReconciler_FormerDeadline(t *testing.T) {
	for _, late := range []time.Duration{-time.Hour, 0, time.Second} {
		b := newBench(t)
		b.deploy("kubectl", "2")
		accepted := b.record(v1alpha1.PhaseProgressing).Spec.AcceptedTime
		b.overdue(accepted.Add(late))
		b.settle()
		if got, want := b.phases(), "1 Healthy, 2 Progressing"; got != want {
			t.Errorf("%s after it was accepted: %q, want %q", late, got, want)
		}
		b.clock.Step(health.ProgressDeadline(b.deployment()) + time.Minute)
		b.settle()
		if got := b.revision(2).Status.Phase; got != v1alpha1.PhaseRolledBack {
			t.Errorf("%s after it was accepted, and overdue itself by now: %s", late, got)
		}
	}
}

func TestReconciler_RequestThatFailsIsRolledBack(t *testing.T) {
	b := newBench(t)
	b.roll(well)
	b.deploy("kubectl", "2")
	b.record(v1alpha1.PhaseProgressing)
	b.roll(well)
	b.settle()
	b.annotate(v1alpha1.RollbackToAnnotation, "1@2")
	b.settle()
	b.roll(crashing)
	b.atRest()
	if got, want := b.phases()+" "+b.runs(), "1 Healthy, 2 Healthy, 3 RolledBack, 4 Healthy 2 a=2 b=2"; got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
}

// TestReconciler_RescueThatFailsStays has the revision fail that a failure was rolled back to, with
// an older healthy one beside it.
func TestReconciler_RescueThatFailsStays(t *testing.T) {
	b := newFailure(t)
	b.settle()
	b.roll(crashing)
	b.settle()
	if got, want := b.held()+" "+b.runs(), "RestoredRevisionFailed 1 a=1 b=1"; got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
}

// TestReconciler_EventsAreAComfort refuses every Event, for any reason.
func TestReconciler_EventsAreAComfort(t *testing.T) {
	for name, err := range map[string]error{
		"Forbidden": apierrors.NewForbidden(corev1.Resource("events"), "a", errors.New("a policy of the namespace")),
		"Invalid":   apierrors.NewInvalid(schema.GroupKind{Kind: "Event"}, "a", nil),
		"Webhook":   apierrors.NewInternalError(errors.New("failed calling webhook")),
		"Conflict":  apierrors.NewConflict(corev1.Resource("events"), "a", errors.New("a policy")),
	} {
		b := newFailure(t)
		b.api.Refuse(fakeapi.All("create Event", err))
		for range 8 {
			_, _ = b.reconcile()
			b.recordIfNew()
		}
		b.roll(well)
		for range 4 {
			_, _ = b.reconcile()
		}
		if got, want := b.phases()+" "+b.runs(), "1 Healthy, 2 RolledBack, 3 Healthy 1 a=1 b=1"; got != want {
			t.Errorf("%s: it is %q, want %q", name, got, want)
		}
	}
}
