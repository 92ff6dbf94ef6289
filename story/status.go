package story

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/workload"
)

// Status is how a workload is now. Its JSON is an interface for tools: names stay, and only new
// ones come.
type Status struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Revision is the live one; 0 where it is not recorded.
	Revision int64          `json:"revision,omitempty"`
	Phase    v1alpha1.Phase `json:"phase,omitempty"`
	// Since is when the phase was reached.
	Since  *metav1.Time `json:"since,omitempty"`
	Images string       `json:"images,omitempty"`
	// RestoredFrom is the revision that the live one restored.
	RestoredFrom int64 `json:"restoredFrom,omitempty"`
	// Ready of Pods are.
	Ready int32 `json:"ready"`
	Pods  int32 `json:"pods"`
	// LastHealthy is the newest healthy revision.
	LastHealthy int64       `json:"lastHealthy,omitempty"`
	LastFailure *Failure    `json:"lastFailure,omitempty"`
	Quarantine  *Quarantine `json:"quarantine,omitempty"`
	// Denied is the newest apply that admission denied since. Unchecked says that a policy could not
	// check the live revision.
	Denied    *Denial `json:"denied,omitempty"`
	Unchecked *Denial `json:"unchecked,omitempty"`
	// Paused says that the rollout is paused. Reprise rolls nothing back then.
	Paused bool `json:"paused,omitempty"`
	// Hold is why a rollback of the live revision is due and not done.
	Hold string `json:"hold,omitempty"`
	// Rollback is what a failure leads to by the annotations of the workload and its namespace.
	Rollback workload.Mode `json:"rollback"`
	// Note says what keeps the rest from being known.
	Note string `json:"note,omitempty"`
}

// Failure is a revision that failed.
type Failure struct {
	Revision int64       `json:"revision"`
	At       metav1.Time `json:"at"`
	Error    string      `json:"error,omitempty"`
	// RolledBackTo is the revision that Reprise rolled back to.
	RolledBackTo int64 `json:"rolledBackTo,omitempty"`
}

// Quarantine is a failed pod template that admission denies.
type Quarantine struct {
	Revision int64       `json:"revision"`
	Until    metav1.Time `json:"until"`
}

// The notes of workloads whose history is kept although nothing is added to it.
const (
	gone      = "the Deployment is gone"
	unguarded = "Reprise does not guard it any more: it lost Score's annotation " + workload.NameAnnotation + ", or has the label " + v1alpha1.GuardLabel + ": " + workload.GuardDisabled
)

// StatusOf returns the status of a workload.
func StatusOf(w Workload, now time.Time) Status {
	s := Status{Namespace: w.Namespace, Name: w.Name, Rollback: w.Settings.Rollback, Denied: w.Denied, Unchecked: w.Unchecked}
	s.Ready, s.Pods = pods(w.Deployment)
	s.Paused = w.Deployment != nil && w.Deployment.Spec.Paused
	live := w.Live()
	switch {
	case w.Deployment == nil:
		s.Note = gone
	case !workload.IsGuarded(w.Deployment):
		s.Note = unguarded
	case live != nil:
		s.Revision, s.Phase, s.Images = live.Spec.Number, live.Status.Phase, live.Spec.Images
		s.RestoredFrom, s.Hold = live.Spec.RestoredFrom, live.HoldMessage()
		s.Since = &metav1.Time{Time: since(live)}
	case len(w.History) == 0:
		s.Note = "no revision is recorded yet"
	default:
		s.Note = "the live Deployment is not recorded yet"
	}
	if healthy := w.History.LastHealthy(); healthy != nil {
		s.LastHealthy = healthy.Spec.Number
	}
	if last := w.History.LastFailure(); last != nil {
		s.LastFailure = &Failure{Revision: last.Spec.Number, At: metav1.NewTime(since(last)), Error: last.FailureMessage()}
		if last.IsRollbackDone() {
			s.LastFailure.RolledBackTo = last.Status.Rollback.ToRevision
		}
	}
	if failed, until := w.Quarantined(now); failed != nil {
		s.Quarantine = &Quarantine{Revision: failed.Spec.Number, Until: metav1.NewTime(until)}
	}
	return s
}

// Gone returns the last status of a workload that was deleted together with its history.
func (s Status) Gone() Status { return Status{Namespace: s.Namespace, Name: s.Name, Note: gone} }

// StatusTable returns a table with a row for each workload, with a column for namespaces if wanted.
func StatusTable(all []Status, namespaces bool, now time.Time) Table {
	t := Table{columns: []column{
		{name: "NAMESPACE"}, {name: "NAME"}, {name: "REVISION"}, {name: "PHASE"}, {name: "PODS"},
		{name: "IMAGES", least: 12, givesWay: 3}, {name: "SINCE", givesWay: 1}, {name: "LAST FAILURE", least: 20, fair: 30},
		{name: "QUARANTINED", givesWay: 2}, {name: "DENIED", least: 16, fair: 30, givesWay: 1, rare: true}, {name: "LAST HEALTHY", wide: true}, {name: "ROLLBACK", wide: true},
	}}
	for _, s := range all {
		t.rows = append(t.rows, []cell{
			{text: s.Namespace}, {s.Name, bold}, {text: some(s.Revision)}, {s.state(), ofPhase(string(s.Phase))},
			{text: fmt.Sprintf("%d/%d", s.Ready, s.Pods)}, {text: s.Images}, {text: age(timeOf(s.Since), now)},
			{s.LastFailure.line(now), red}, {s.Quarantine.line(now), yellow}, {s.Denied.cell(now), yellow}, {text: some(s.LastHealthy)}, {text: string(s.Rollback)},
		})
	}
	if !namespaces {
		t.columns = t.columns[1:]
		for i := range t.rows {
			t.rows[i] = t.rows[i][1:]
		}
	}
	return t
}

// state returns the phase, or in a word why there is none.
func (s Status) state() string {
	switch {
	case s.Note == gone:
		return "gone"
	case s.Note == unguarded:
		return "unguarded"
	case s.Note != "":
		return "unrecorded"
	default:
		return string(s.Phase)
	}
}

func (f *Failure) line(now time.Time) string {
	if f == nil {
		return ""
	}
	return fmt.Sprintf("#%d %s ago: %s", f.Revision, age(f.At.Time, now), mask.Line(f.Error))
}

func (r *Quarantine) line(now time.Time) string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf("#%d for %s", r.Revision, age(now, r.Until.Time))
}

// some returns a revision's number, and a dash for none.
func some(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
