package guard

import (
	"testing"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
)

func TestPriorityOf(t *testing.T) {
	begun := &v1alpha1.Rollback{State: v1alpha1.RollbackExecuting, ToRevision: 1}
	done := &v1alpha1.Rollback{State: v1alpha1.RollbackDone, ToRevision: 1}
	held := v1alpha1.WorkloadRevisionStatus{Phase: v1alpha1.PhaseFailed}
	history.HoldRollback(&held, v1alpha1.HoldPaused, "why", now)
	tests := map[string]struct {
		reason string
		status v1alpha1.WorkloadRevisionStatus
		want   int
	}{
		"progressing": {"it is only assessed", v1alpha1.WorkloadRevisionStatus{Phase: v1alpha1.PhaseProgressing}, 0},
		"failed":      {"it waits for its turn", v1alpha1.WorkloadRevisionStatus{Phase: v1alpha1.PhaseFailed}, urgent},
		"begun":       {"it was written ahead", v1alpha1.WorkloadRevisionStatus{Phase: v1alpha1.PhaseFailed, Rollback: begun}, urgent},
		"held":        {"it is deliberately not done", held, 0},
		"done":        {"it was rolled back", v1alpha1.WorkloadRevisionStatus{Phase: v1alpha1.PhaseRolledBack, Rollback: done}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := priorityOf(history.History{{Status: tt.status}}); got != tt.want {
				t.Errorf("%s: priority %d, want %d", tt.reason, got, tt.want)
			}
		})
	}
	if got := priorityOf(nil); got != 0 {
		t.Errorf("what has no history yet has priority %d, want 0", got)
	}
}
