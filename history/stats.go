package history

import (
	"iter"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/api/v1alpha1"
)

// Stats is what is recorded of all workloads, counted.
type Stats struct {
	// Revisions are counted by their phase; one whose recording is not finished has none, and is left out.
	Revisions map[v1alpha1.Phase]int
	// Workloads that are there are counted by the phase of their newest revision.
	Workloads map[v1alpha1.Phase]int
	// Held and Open are how many rollbacks are due and not done, and how many were begun and are not at their end.
	Held, Open int
	// Quarantines are how many pod templates are refused at admission. One whose ConfigMap was mended since is still
	// counted: that is looked up when it is deployed again.
	Quarantines int
}

// Count counts revisions as of `now`. It copies only those of workloads that failed lately: a cache holds tens of
// thousands, and they are counted at every scrape.
func Count(revisions iter.Seq[*v1alpha1.WorkloadRevision], now time.Time) Stats {
	c := Stats{Revisions: map[v1alpha1.Phase]int{}, Workloads: map[v1alpha1.Phase]int{}}
	newest := map[types.NamespacedName]*v1alpha1.WorkloadRevision{}
	failedLately := map[types.NamespacedName]History{}
	for r := range revisions {
		key := workloadOf(r)
		if r.IsRecorded() {
			c.Revisions[r.Status.Phase]++
		}
		if known := newest[key]; known == nil || known.Spec.Number < r.Spec.Number {
			newest[key] = r
		}
		if r.IsRollbackOpen() {
			c.Open++
		}
		if mayBeQuarantined(r, now) {
			failedLately[key] = nil
		}
	}
	for _, r := range newest {
		if r.Status.WorkloadDeletedTime != nil || !r.IsRecorded() {
			continue
		}
		c.Workloads[r.Status.Phase]++
		if r.RollbackHold() != nil {
			c.Held++
		}
	}
	for r := range revisions {
		if h, found := failedLately[workloadOf(r)]; found {
			failedLately[workloadOf(r)] = append(h, *r)
		}
	}
	for _, h := range failedLately {
		c.Quarantines += Sort(h).quarantines(now)
	}
	return c
}

func workloadOf(r *v1alpha1.WorkloadRevision) types.NamespacedName {
	return types.NamespacedName{Namespace: r.Namespace, Name: r.Spec.WorkloadRef.Name}
}

// mayBeQuarantined says whether a failure is young enough to be refused again.
func mayBeQuarantined(r *v1alpha1.WorkloadRevision, now time.Time) bool {
	return r.HasFailed() && r.Status.PhaseTransitionTime != nil && now.Sub(r.Status.PhaseTransitionTime.Time) < longestPause
}

// quarantines is how many pod templates of a workload are refused.
func (h History) quarantines(now time.Time) int {
	refused := map[string]bool{}
	for i := range h {
		if failed, _ := h.Quarantined(h[i].Spec.TemplateHash, now); failed != nil {
			refused[failed.Spec.TemplateHash] = true
		}
	}
	return len(refused)
}
