package story

import (
	"strconv"
	"time"

	"reprise.dev/reprise/api/v1alpha1"
)

// HistoryTable returns a table of a workload's revisions, the newest last. It marks the live and
// the last healthy one.
func HistoryTable(w Workload, now time.Time) Table {
	t := Table{columns: []column{
		{name: "REVISION"}, {name: "PHASE"}, {name: "NOTE", givesWay: 1},
		{name: "IMAGES", least: 12, givesWay: 2}, {name: "CHANGE", least: 14, fair: 30},
		{name: "BY", least: 12, givesWay: 3}, {name: "AGE"}, {name: "ERROR", least: 14, fair: 30},
		{name: "ORIGIN", least: 12, wide: true}, {name: "CAUSE", least: 12, wide: true},
	}}
	for i := range w.History {
		r := &w.History[i]
		change := r.Spec.ChangeSummary
		if r.Spec.RestoredFrom != 0 {
			change = "rollback to " + number(r.Spec.RestoredFrom) + ": " + change
		}
		t.rows = append(t.rows, []cell{
			{text: strconv.FormatInt(r.Spec.Number, 10)}, {phase(r), ofPhase(phase(r))}, {w.note(r), bold},
			{text: r.Spec.Images}, {text: change}, {text: r.Spec.FieldManager},
			{text: age(r.Spec.AcceptedTime.Time, now)}, {r.FailureMessage(), red},
			{text: r.Spec.DeliveredBy}, {text: r.Spec.ChangeCause},
		})
	}
	return t
}

// note marks the revision that runs, and the last healthy one where it is another.
func (w Workload) note(r *v1alpha1.WorkloadRevision) string {
	live, healthy := w.Live(), w.History.LastHealthy()
	switch {
	case live != nil && r.Spec.Number == live.Spec.Number:
		return "live"
	case healthy != nil && r.Spec.Number == healthy.Spec.Number:
		return "last healthy"
	default:
		return ""
	}
}
