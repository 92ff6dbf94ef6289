package history

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"reprise.dev/reprise/api/v1alpha1"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestNamesFitWhateverTheWorkloadIsCalled(t *testing.T) {
	long := strings.Repeat("a", 253)
	names := map[string]bool{}
	for _, name := range []string{"a", long, long[:252] + "b", strings.Repeat("a", 120) + "." + strings.Repeat("b", 132)} {
		for _, number := range []int64{1, 12345678} {
			got := Name(name, number)
			if problems := validation.IsDNS1123Subdomain(got); len(problems) > 0 || !strings.HasSuffix(got, fmt.Sprint(number)) {
				t.Errorf("%q: %v", got, problems)
			}
			names[got] = true
		}
	}
	if len(names) != 8 {
		t.Errorf("%d names for 8 revisions", len(names))
	}
}

func TestPruningKeepsWhatARollbackNeeds(t *testing.T) {
	var h History
	for i, phase := range []v1alpha1.Phase{"Healthy", "Superseded", "RolledBack", "Superseded", "Failed", "Progressing"} {
		h = append(h, v1alpha1.WorkloadRevision{
			Spec: v1alpha1.WorkloadRevisionSpec{Number: int64(i + 1)}, Status: v1alpha1.WorkloadRevisionStatus{Phase: phase},
		})
	}
	h[4].Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackExecuting, ToRevision: 2, StartTime: metav1.NewTime(now.Add(-2 * time.Hour))}
	h[2].Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackDone, ToRevision: 1, StartTime: metav1.NewTime(now.Add(-time.Minute)), CompletionTime: &metav1.Time{Time: now}}
	for limit, want := range map[int]string{10: "", 6: "", 5: "4", 2: "4"} {
		var got []string
		for _, r := range h.Prunable(limit, now) {
			got = append(got, fmt.Sprint(r.Spec.Number))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("limit %d: pruned %v, want %q", limit, got, want)
		}
	}
}

func TestQuarantineDoublesWithEveryFailureAndEnds(t *testing.T) {
	failed := func(at time.Duration) v1alpha1.WorkloadRevision {
		return v1alpha1.WorkloadRevision{
			Spec:   v1alpha1.WorkloadRevisionSpec{TemplateHash: "bad"},
			Status: v1alpha1.WorkloadRevisionStatus{Phase: v1alpha1.PhaseRolledBack, PhaseTransitionTime: &metav1.Time{Time: now.Add(at)}},
		}
	}
	byFiles := failed(0)
	byFiles.Spec.ChangeScope = v1alpha1.ChangeFilesOnly
	healthy := failed(0)
	healthy.Status.Phase = v1alpha1.PhaseHealthy
	tests := map[string]struct {
		reason  string
		history History
		hash    string
		want    time.Duration
	}{
		"First":   {"two minutes after the first failure", History{failed(0)}, "bad", 2 * time.Minute},
		"Second":  {"four after the second", History{failed(-time.Hour), failed(0)}, "bad", 4 * time.Minute},
		"Many":    {"an hour at most", History{failed(0), failed(0), failed(0), failed(0), failed(0), failed(0), failed(0), failed(0)}, "bad", time.Hour},
		"Over":    {"the pause ends", History{failed(-2 * time.Minute)}, "bad", 0},
		"Other":   {"another template is free", History{failed(0)}, "good", 0},
		"Healed":  {"a template that became healthy since is free", History{failed(0), healthy}, "bad", 0},
		"Files":   {"a failure by files alone refuses nothing: admission does not see files", History{byFiles}, "bad", 0},
		"Relapse": {"and starts anew", History{failed(0), healthy, failed(0)}, "bad", 2 * time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			failure, until := tt.history.Quarantined(tt.hash, now)
			if (failure != nil) != (tt.want > 0) {
				t.Fatalf("%s: got %v", tt.reason, failure)
			}
			if failure != nil && until.Sub(now) != tt.want {
				t.Errorf("%s: refused for %s, want %s", tt.reason, until.Sub(now), tt.want)
			}
		})
	}
}
