package story

import (
	"strings"
	"testing"
	"time"

	"reprise.dev/reprise/api/v1alpha1"
)

func TestWorkload_Defaults_WhereNoRevisionIsNamed(t *testing.T) {
	under := shop(revision(1, v1alpha1.PhaseHealthy, time.Hour), revision(2, v1alpha1.PhaseProgressing, time.Second))
	twice := shop(revision(1, v1alpha1.PhaseHealthy, time.Hour), revision(2, v1alpha1.PhaseSuperseded, time.Hour), revision(3, v1alpha1.PhaseHealthy, time.Second))
	unknown := shop(revision(1, v1alpha1.PhaseUnknown, time.Hour), revision(2, v1alpha1.PhaseUnknown, time.Second))
	tests := map[string]struct {
		reason             string
		w                  Workload
		from, to, restored int64
	}{
		"UnderWay": {"the last healthy one against what was deployed", under, 1, 2, 1},
		"Failed":   {"the last healthy one against what failed", left(), 1, 2, 1},
		"Rescued":  {"the restored revision against the failed one; the live one is no target", rolledBack(), 1, 2, 0},
		"Healthy":  {"the healthy one before against what runs", twice, 1, 3, 1},
		"Unknown":  {"the one before, where none is known to be healthy", unknown, 1, 2, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			from, to, _, err := tt.w.DefaultDiff()
			if err != nil || from.Spec.Number != tt.from || to.Spec.Number != tt.to {
				t.Errorf("%s: compared are %v and %v, %v", tt.reason, from, to, err)
			}
			target := tt.w.RollbackTarget()
			if (target == nil) != (tt.restored == 0) || target != nil && target.Spec.Number != tt.restored {
				t.Errorf("%s: the target is %v, want #%d", tt.reason, target, tt.restored)
			}
		})
	}
	if _, _, _, err := shop(revision(1, v1alpha1.PhaseHealthy, 0)).DefaultDiff(); err == nil {
		t.Error("one revision is compared with nothing")
	}
}

func TestWorkload_Revision(t *testing.T) {
	for name, want := range map[string]string{"2": "", "#2": "", "9": "has no revision #9; there are 1, 2, 3", "two": `"two" is not a revision`} {
		r, err := rolledBack().Revision(name)
		if want == "" && (err != nil || r.Spec.Number != 2) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, %v, want %q", name, r, err, want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"cart", "checkout", "frontend"}
	for typed, want := range map[string]string{"frontned": "frontend", "chekout": "checkout", "car": "cart", "database": "", "x": ""} {
		if got := Nearest(typed, names); got != want {
			t.Errorf("%s: nearest is %q, want %q", typed, got, want)
		}
	}
}

func TestWorkload_DefaultLogsRevision(t *testing.T) {
	fixed := shop(append(rolledBack().History, revision(4, v1alpha1.PhaseHealthy, time.Minute))...)
	under := shop(append(rolledBack().History, revision(4, v1alpha1.PhaseProgressing, time.Second))...)
	for name, tt := range map[string]struct {
		w    Workload
		want int64
	}{"Rescued": {rolledBack(), 2}, "Left": {left(), 2}, "UnderWay": {under, 2}, "Fixed": {fixed, 4}, "Well": {shop(revision(1, v1alpha1.PhaseHealthy, 0)), 1}} {
		if got := tt.w.DefaultLogsRevision(); got.Spec.Number != tt.want {
			t.Errorf("%s: #%d, want #%d", name, got.Spec.Number, tt.want)
		}
	}
	if shop().DefaultLogsRevision() != nil {
		t.Error("logs of nothing")
	}
}
