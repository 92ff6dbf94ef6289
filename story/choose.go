package story

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/mask"
)

// RollbackTarget returns the last healthy revision of the live Deployment other than the live one,
// nil where there is none.
func (w Workload) RollbackTarget() *v1alpha1.WorkloadRevision {
	live := w.Live()
	if live == nil {
		return nil
	}
	for i := len(w.History) - 1; i >= 0; i-- {
		r := &w.History[i]
		if r.Status.Phase == v1alpha1.PhaseHealthy && r.SameWorkload(live) && !r.RunsSame(live) && !r.IsRedacted() {
			return r
		}
	}
	return nil
}

// DefaultFailure returns the failure to explain if the user names none: the live revision where its
// rollback is on hold, else the newest failure, nil where nothing failed.
func (w Workload) DefaultFailure() *v1alpha1.WorkloadRevision {
	if live := w.Live(); live != nil && live.RollbackHold() != nil {
		return live
	}
	return w.History.LastFailure()
}

// DefaultLogsRevision returns the revision whose logs to print if the user names none: the newest
// failure, or the live revision once a later deployment is healthy. It is nil where nothing is
// recorded.
func (w Workload) DefaultLogsRevision() *v1alpha1.WorkloadRevision {
	if suspect := w.DefaultFailure(); suspect != nil && !w.recovered(suspect) {
		return suspect
	}
	return w.History.Newest()
}

// recovered reports whether a healthy revision runs that is neither the failed one nor the one
// that was restored instead of it.
func (w Workload) recovered(failure *v1alpha1.WorkloadRevision) bool {
	live := w.Live()
	return live != nil && live.Spec.Number != failure.Spec.Number && live.Status.Phase == v1alpha1.PhaseHealthy &&
		live.Spec.RollbackOf != failure.Spec.Number
}

// DefaultDiff returns the two revisions to compare if the user names none, and what they are: the
// last healthy one and the newest. After a rollback those two run the same. Then it returns the
// healthy one and the one that failed, else the previous healthy one and the newest.
func (w Workload) DefaultDiff() (from, to *v1alpha1.WorkloadRevision, why string, err error) {
	newest, healthy := w.History.Newest(), w.History.LastHealthy()
	switch {
	case len(w.History) < 2:
		return nil, nil, "", fmt.Errorf("%s has %s, and a diff needs two", w.Name, counted(len(w.History)))
	case healthy != nil && !healthy.RunsSame(newest):
		return healthy, newest, "the last healthy revision and the newest", nil
	case newest.Spec.RollbackOf != 0:
		from, to = w.History.Number(newest.Spec.RestoredFrom), w.History.Number(newest.Spec.RollbackOf)
		if from != nil && to != nil {
			return from, to, "the restored revision and the one that it replaced", nil
		}
	}
	for i := len(w.History) - 2; i >= 0; i-- {
		if r := &w.History[i]; r.Status.Phase == v1alpha1.PhaseHealthy && r.SameWorkload(newest) && !r.RunsSame(newest) {
			return r, newest, "the previous healthy revision and the newest", nil
		}
	}
	return &w.History[len(w.History)-2], newest, "the previous revision and the newest", nil
}

// counted returns how many revisions there are.
func counted(n int) string {
	switch n {
	case 0:
		return "no revision yet"
	case 1:
		return "one revision"
	default:
		return fmt.Sprintf("%d revisions", n)
	}
}

// Revision returns the revision with a number, which may begin with #. The error lists the numbers
// that there are.
func (w Workload) Revision(name string) (*v1alpha1.WorkloadRevision, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(name, "#"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is not a revision: expected a number, one of %s", name, w.numbers())
	}
	if r := w.History.Number(n); r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("%s has no revision #%d; there are %s", w.Name, n, w.numbers())
}

func (w Workload) numbers() string {
	var all []string
	for i := range w.History {
		all = append(all, strconv.FormatInt(w.History[i].Spec.Number, 10))
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

// Nearest returns the name that a misspelt one may stand for, empty where none is similar.
func Nearest(name string, names []string) string {
	nearest, least := "", max(len(name)/2, 2)+1
	for _, candidate := range slices.Sorted(slices.Values(names)) {
		if distance := levenshtein.ComputeDistance(name, candidate); distance < least {
			nearest, least = candidate, distance
		}
	}
	return nearest
}

// Label returns a short description of a revision: its phase and images.
func Label(r *v1alpha1.WorkloadRevision) string {
	return mask.Line(fmt.Sprintf("%s %s", phase(r), r.Spec.Images))
}
