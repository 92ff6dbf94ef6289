package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"reprise.dev/reprise/api/v1alpha1"
)

// Rollback counts what is judged, put back and held. Only the leader does, so that each is counted once; after a change
// of leaders the sum over the replicas goes on.
type Rollback struct {
	verdicts, rollbacks, holds *prometheus.CounterVec
	detecting, recovering      prometheus.Histogram
}

// rolloutBuckets reach from the first signal that is seen twice to progressDeadlineSeconds' default of ten minutes and
// beyond, in seconds.
var rolloutBuckets = []float64{1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600, 1200}

func newRollback() *Rollback {
	var holdReasons []string
	for _, reason := range v1alpha1.HoldReasons() {
		holdReasons = append(holdReasons, string(reason))
	}
	r := &Rollback{
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_revision_verdicts_total",
			Help: "Revisions that were judged, by the verdict: healthy or failed.",
		}, []string{"verdict"}),
		rollbacks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_rollbacks_total",
			Help: "Rollbacks by how they ended (completed, overtaken by a newer deploy, held), and failed: not at its end after 30 s, and tried further.",
		}, []string{"result", "trigger"}),
		holds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_rollback_holds_total",
			Help: "Rollbacks that were due and were not done, by why.",
		}, []string{"reason"}),
		detecting: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "reprise_time_to_detect_seconds", Buckets: rolloutBuckets,
			Help: "From the first signal of what failed a revision, or from its deploy where a deadline did, to the phase Failed.",
		}),
		recovering: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "reprise_time_to_recover_seconds", Buckets: rolloutBuckets,
			Help: "From the phase Failed to the phase Healthy of the revision that was put back, its bake time included.",
		}),
	}
	zero(r.verdicts, []string{"healthy", "failed"})
	zero(r.rollbacks, []string{"completed", "overtaken", "held", "failed"}, []string{"failure", "request"})
	zero(r.holds, holdReasons)
	return r
}

// Judged implements rollback.Observer.
func (r *Rollback) Judged(verdict string) { r.verdicts.WithLabelValues(verdict).Inc() }

// Detected implements rollback.Observer.
func (r *Rollback) Detected(after time.Duration) { r.detecting.Observe(after.Seconds()) }

// Recovered implements rollback.Observer.
func (r *Rollback) Recovered(after time.Duration) { r.recovering.Observe(after.Seconds()) }

// RolledBack implements rollback.Observer.
func (r *Rollback) RolledBack(result, trigger string) {
	r.rollbacks.WithLabelValues(result, trigger).Inc()
}

// Held implements rollback.Observer.
func (r *Rollback) Held(reason v1alpha1.HoldReason) { r.holds.WithLabelValues(string(reason)).Inc() }
