package history

import (
	"iter"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/api/v1alpha1"
)

// Stats are the counts of what is recorded of all workloads.
type Stats struct {
	// Revisions are counted by their phase. An incomplete one has none, and is not counted.
	Revisions map[v1alpha1.Phase]int
	// Workloads that exist are counted by the phase of their newest revision.
	Workloads map[v1alpha1.Phase]int
	// Held is how many rollbacks are on hold, Open how many are in progress.
	Held, Open int
	// Quarantines is how many pod templates admission denies. It includes those whose ConfigMap was
	// fixed since: admission reads that when the template is deployed again.
	Quarantines int
}

// Count counts revisions as of `now`. It copies only those of workloads that failed lately: a cache
// holds tens of thousands, and every scrape counts them.
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

// mayBeQuarantined reports whether a revision failed so lately that a quarantine may last.
func mayBeQuarantined(r *v1alpha1.WorkloadRevision, now time.Time) bool {
	return r.HasFailed() && r.Status.PhaseTransitionTime != nil && now.Sub(r.Status.PhaseTransitionTime.Time) < longestPause
}

// quarantines returns how many pod templates of a workload are quarantined.
func (h History) quarantines(now time.Time) int {
	quarantined := map[string]bool{}
	for i := range h {
		if failed, _ := h.Quarantined(h.Newest().Spec.WorkloadRef.UID, h[i].Spec.TemplateHash, now); failed != nil {
			quarantined[failed.Spec.TemplateHash] = true
		}
	}
	return len(quarantined)
}
