package rescue

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/test/harness/faults"
)

// tooSoon says whether an event is told of a state that is not stored.
func (r *run) tooSoon(at step) error {
	reason, about, ok := strings.Cut(strings.TrimPrefix(string(at), "tell "), " #")
	if !ok || !strings.HasPrefix(string(at), "tell ") {
		return nil
	}
	revision := &v1alpha1.WorkloadRevision{}
	if err := r.api.Get(r.Context(), client.ObjectKey{Namespace: r.namespace, Name: app + "-" + about}, revision); err != nil {
		return err
	}
	status := revision.Status
	stored := true
	switch event.Reason(reason) {
	case event.RevisionFailed:
		stored = revision.FailureMessage() != ""
	case event.RevisionHealthy:
		stored = slices.Contains([]v1alpha1.Phase{v1alpha1.PhaseHealthy, v1alpha1.PhaseSuperseded}, status.Phase)
	case event.RolledBack:
		stored = revision.IsRollbackDone()
	case event.RollbackHeld:
		stored = revision.RollbackHold() != nil || status.Rollback != nil
	}
	if !stored {
		return fmt.Errorf("%s of #%s is told before it is stored: %s, %+v", reason, about, status.Phase, status.Rollback)
	}
	return nil
}

// nothingLeft has one more leader look at the workload: it must find nothing to write.
func (r *run) nothingLeft() {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var writes []step
	p := faults.NewProcess(ctx, func(w faults.Write) faults.Outcome {
		writes = append(writes, stepOf(w))
		return faults.KillBefore
	})
	l, err := newLeader(p, r.api, r.namespace, lags{}, r.log())
	if err != nil {
		r.Fatal(err)
	}
	cached := l.manager.GetCache()
	for _, o := range []client.Object{&appsv1.Deployment{}, &appsv1.ReplicaSet{}, &corev1.Pod{}, &corev1.Namespace{}, &v1alpha1.WorkloadRevision{}} {
		if _, err := cached.GetInformer(ctx, o, cache.BlockUntilSynced(false)); err != nil {
			r.Fatal(err)
		}
	}
	go func() { _ = cached.Start(ctx) }()
	if !cached.WaitForCacheSync(ctx) {
		r.Fatal("the next leader's cache is not filled")
	}
	key := client.ObjectKey{Namespace: r.namespace, Name: app}
	if _, err := l.guard.Reconcile(ctx, ctrl.Request{NamespacedName: key}); err != nil {
		r.Errorf("the next leader: %v", err)
	}
	if len(writes) > 0 {
		r.Errorf("the next leader still writes %q", writes)
	}
}
