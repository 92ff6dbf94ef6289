package story

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// now is when all pages are printed.
var now = time.Date(2027, 3, 31, 12, 10, 0, 0, time.UTC)

// ago is a time before now.
func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

func past(d time.Duration) *metav1.Time { t := ago(d); return &t }

// revision is one that was accepted, and reached its phase 9 seconds later.
func revision(n int64, phase v1alpha1.Phase, accepted time.Duration, change ...func(*v1alpha1.WorkloadRevision)) v1alpha1.WorkloadRevision {
	r := v1alpha1.WorkloadRevision{
		ObjectMeta: metav1.ObjectMeta{Name: "sample-app-" + string(rune('0'+n)), Namespace: "shop"},
		Spec: v1alpha1.WorkloadRevisionSpec{
			Number: n, WorkloadRef: v1alpha1.WorkloadReference{Kind: "Deployment", Name: "sample-app", UID: "uid"},
			IntentHash: "intent-" + string(rune('0'+n)), TemplateHash: "template-" + string(rune('0'+n)),
			Images: "podinfo:6.7.0", FieldManager: "kubectl-client-side-apply", AcceptedTime: ago(accepted),
		},
		Status: v1alpha1.WorkloadRevisionStatus{Phase: phase, PhaseTransitionTime: past(accepted - 9*time.Second)},
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

// crashed makes a revision one that crashed and was rolled back to another.
func crashed(to int64) func(*v1alpha1.WorkloadRevision) {
	return func(r *v1alpha1.WorkloadRevision) {
		r.Spec.Images = "podinfo:6.7.1"
		r.Spec.ChangeSummary = "containers.frontend.image 6.7.0 → 6.7.1, containers.frontend.args added ([\"echo boom >&2; exit 1\"]), 2 more changes"
		evidence := v1alpha1.Evidence{
			PodName: "sample-app-5d4f7c9b8-abcde", ContainerName: "frontend", Reason: "CrashLoopBackOff", ExitCode: new(int32(1)), RestartCount: 2,
			Message: "back-off 10s restarting failed container=frontend",
			Log:     []string{"starting frontend"}, PreviousLog: []string{"starting frontend", "\x1b[31mboom\x1b[0m\a"},
			Events: []string{"Pulled: Container image already present", "BackOff: Back-off restarting failed container frontend"},
		}
		other := evidence
		other.PodName = "sample-app-5d4f7c9b8-fghij"
		r.Status.Failure = &v1alpha1.Failure{
			Reason: v1alpha1.FailureWorkloadFailed, Message: `container frontend exits 1 (2 restarts): "boom"`, ComparedWith: to,
			Changes: []string{"containers.frontend.image 6.7.0 → 6.7.1", "containers.frontend.args added"}, Evidence: []v1alpha1.Evidence{evidence, other},
		}
		began, done := r.Spec.AcceptedTime.Add(8*time.Second), r.Spec.AcceptedTime.Add(9*time.Second)
		r.Status.Rollback = &v1alpha1.Rollback{
			State: v1alpha1.RollbackDone, ToRevision: to, Attempt: 1, StartTime: metav1.NewTime(began), CompletionTime: &metav1.Time{Time: done},
		}
	}
}

// restores makes a revision Reprise's own rollback.
func restores(target, failed int64) func(*v1alpha1.WorkloadRevision) {
	return func(r *v1alpha1.WorkloadRevision) {
		r.Spec.FieldManager, r.Spec.RestoredFrom, r.Spec.RollbackOf = "reprise", target, failed
		r.Spec.ChangeSummary = "containers.frontend.image 6.7.1 → 6.7.0, containers.frontend.args removed"
	}
}

// like makes a revision run what another one runs.
func like(n int64) func(*v1alpha1.WorkloadRevision) {
	return func(r *v1alpha1.WorkloadRevision) {
		r.Spec.IntentHash, r.Spec.TemplateHash = "intent-"+string(rune('0'+n)), "template-"+string(rune('0'+n))
	}
}

// shop is a workload whose newest revision runs.
func shop(revisions ...v1alpha1.WorkloadRevision) Workload {
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "sample-app", Namespace: "shop", UID: "uid", Annotations: map[string]string{workload.NameAnnotation: "sample-app"}},
		Spec:       appsv1.DeploymentSpec{Replicas: new(int32(2)), Template: corev1.PodTemplateSpec{}},
		Status:     appsv1.DeploymentStatus{ReadyReplicas: 2},
	}
	live := workload.IntentOf(d).Hash()
	if len(revisions) > 0 {
		was := revisions[len(revisions)-1].Spec.IntentHash
		for i := range revisions {
			if revisions[i].Spec.IntentHash == was {
				revisions[i].Spec.IntentHash = live
			}
		}
	}
	return Workload{Namespace: "shop", Name: "sample-app", Deployment: d, History: revisions, Settings: workload.DefaultSettings()}
}

// rolledBack is the exercise's story: deployed, broken, rolled back.
func rolledBack() Workload {
	return shop(
		revision(1, v1alpha1.PhaseHealthy, time.Hour),
		revision(2, v1alpha1.PhaseRolledBack, 100*time.Second, crashed(1)),
		revision(3, v1alpha1.PhaseHealthy, 91*time.Second, like(1), restores(1, 2)),
	)
}

// left is a failure that was left where it is.
func left() Workload {
	w := shop(
		revision(1, v1alpha1.PhaseHealthy, time.Hour),
		revision(2, v1alpha1.PhaseFailed, 5*time.Minute, crashed(1), func(r *v1alpha1.WorkloadRevision) {
			r.Status.Rollback = nil
			history.HoldRollback(&r.Status, v1alpha1.HoldManual, "reprise.dev/rollback is manual; deploy a fix, or apply an older manifest", now)
		}),
	)
	w.Settings.Rollback = workload.ModeManual
	w.Deployment.Status.ReadyReplicas = 0
	return w
}

// changes are what the broken revision changed.
var changes = diff.Changes{
	{Field: "containers.frontend.image", Kind: diff.Modified, Old: "ghcr.io/stefanprodan/podinfo:6.7.0", New: "ghcr.io/stefanprodan/podinfo:6.7.1"},
	{Field: "containers.frontend.args", Kind: diff.Added, New: []any{"echo boom >&2; exit 1"}},
	{Field: "containers.frontend.resources.limits", Kind: diff.Added, New: map[string]any{"cpu": "150m", "memory": "200Mi"}},
}
