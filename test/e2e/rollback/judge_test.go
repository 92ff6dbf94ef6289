package rollback

import (
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
)

// missing says what keeps the story from having come to its end, in a state that may still change.
func (r *run) missing(s state, last *leader) string {
	if problem := r.untold(s); problem != "" {
		return problem
	}
	r.mu.Lock()
	fixed, upset := r.fixed, r.upsets > 0
	r.mu.Unlock()
	if upset && r.upset == remove {
		return r.notGone(s, last)
	}
	if s.deployment == nil {
		return "there is no Deployment"
	}
	newest := s.history.Newest()
	want, version := r.before.hash(), "good"
	if upset {
		want, version = fixed, repair.name
	}
	switch {
	case s.hash() != want:
		return fmt.Sprintf("the live intent is not that of %s; %s", version, s.phases())
	case newest.Spec.IntentHash != want || newest.Status.Phase != v1alpha1.PhaseHealthy:
		return fmt.Sprintf("the newest revision is not that of %s and Healthy: %s", version, s.phases())
	}
	for name, content := range s.contents() {
		if content != version {
			return fmt.Sprintf("file %s holds %q, want %q", name, content, version)
		}
	}
	for name, all := range s.owners() {
		for _, owner := range all {
			if strings.HasPrefix(owner, history.FieldManager+" ") {
				return fmt.Sprintf("Reprise still owns fields of %s: %s", name, owner)
			}
		}
	}
	if !upset {
		if s.phases() != r.goodEnd() {
			return fmt.Sprintf("the history is %q, want %q", s.phases(), r.goodEnd())
		}
		return cmp.Diff(r.before.owners(), s.owners())
	}
	return ""
}

// goodEnd is the history after a rollback that nobody disturbed.
func (r *run) goodEnd() string {
	if r.trigger == byRequest {
		return "1 Healthy, 2 Healthy, 3 Healthy"
	}
	return "1 Healthy, 2 RolledBack, 3 Healthy"
}

// notGone says what is still there of a workload that was deleted, or what the last leader does not
// know yet.
func (r *run) notGone(s state, last *leader) string {
	if s.deployment != nil || len(s.files) > 0 {
		return fmt.Sprintf("of what was deleted there is a Deployment (%v) and %d files", s.deployment != nil, len(s.files))
	}
	err := last.manager.GetClient().Get(r.Context(), client.ObjectKey{Namespace: r.namespace, Name: app}, &appsv1.Deployment{})
	if !apierrors.IsNotFound(err) {
		return fmt.Sprintf("the last leader does not know yet that the Deployment is gone: %v", err)
	}
	return ""
}

// untold says which rollback is neither done nor held, or is not told.
func (r *run) untold(s state) string {
	for i := range s.history {
		revision := &s.history[i]
		about := fmt.Sprintf("#%d", revision.Spec.Number)
		noted := func(reason v1alpha1.EventReason) bool { return history.Emitted(revision, reason) }
		switch {
		case s.deployment == nil:
			return "" // There is nothing to roll back, and nothing to tell of.
		case !revision.IsRecorded():
			return about + " is not finished"
		case revision.IsRollbackOpen():
			return "the rollback of " + about + " is neither done nor held"
		case revision.RollbackHold() != nil && (s.told(v1alpha1.EventRollbackHeld, about) == 0 || !noted(v1alpha1.EventRollbackHeld)):
			return about + " is held and nobody is told: " + revision.HoldMessage()
		case revision.IsRollbackDone() && (s.told(v1alpha1.EventRolledBack, about) == 0 || !noted(v1alpha1.EventRolledBack)):
			return about + " is rolled back and nobody is told"
		case revision.Status.Phase == v1alpha1.PhaseHealthy && !noted(v1alpha1.EventRevisionHealthy):
			return about + " is healthy and nobody is told"
		case revision.HasFailed() && !noted(v1alpha1.EventRevisionFailed):
			return about + " failed and nobody is told"
		}
	}
	return ""
}

// judge judges what was stored for good: what was written twice cannot be unwritten.
func (r *run) judge() {
	s := r.look()
	if got := s.told(v1alpha1.EventRolledBack, "#2"); got > 1 {
		r.Errorf("the rollback was told %d times", got)
	}
	did, err := log.of(r.namespace)
	if err != nil {
		r.Fatal(err)
	}
	// A file of a newer deploy is a reason, and the deploy that follows it another.
	if got, most := s.told(v1alpha1.EventRollbackHeld, "#2"), int32(len(did.holds)+len(r.kills)); got > most {
		r.Errorf("the hold was told %d times, for %d reasons and after %d kills", got, len(did.holds), len(r.kills))
	}
	if did.plans > 1 {
		r.Errorf("%d rollbacks were begun", did.plans)
	}
	var restoring int
	for _, revision := range s.history {
		if revision.Spec.RollbackOf != 0 {
			restoring++
			if revision.Spec.RollbackOf != 2 || revision.Spec.RestoredFrom != 1 {
				r.Errorf("#%d says that it restores #%d after #%d", revision.Spec.Number, revision.Spec.RestoredFrom, revision.Spec.RollbackOf)
			}
		}
	}
	if s.deployment != nil && did.intents != restoring || did.intents > 1 {
		r.Errorf("the intent was put back %d times, and %d revisions say so: %s", did.intents, restoring, s.phases())
	}
	if r.upsets == 0 {
		if did.intents != 1 {
			r.Errorf("the intent was put back %d times", did.intents)
		}
		for _, name := range configMaps {
			if r.files && did.files[name] != 2 {
				r.Errorf("file %s was stored %d times, want once with its content and once with its owners", name, did.files[name])
			}
		}
	}
}
