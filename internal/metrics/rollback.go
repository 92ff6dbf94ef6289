package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"reprise.dev/reprise/api/v1alpha1"
)

// Rollback counts verdicts and rollbacks. Only the leader counts, so the sum over the replicas is
// correct after a failover too.
type Rollback struct {
	verdicts, rollbacks, holds *prometheus.CounterVec
	detecting, recovering      prometheus.Histogram
}

// rolloutBuckets reach from one second to twice the default progressDeadlineSeconds, in seconds.
var rolloutBuckets = []float64{1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600, 1200}

func newRollback() *Rollback {
	var holdReasons []string
	for _, reason := range v1alpha1.HoldReasons() {
		holdReasons = append(holdReasons, string(reason))
	}
	r := &Rollback{
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_revision_verdicts_total",
			Help: "Revisions whose rollout got a verdict: healthy or failed.",
		}, []string{"verdict"}),
		rollbacks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_rollbacks_total",
			Help: "Rollbacks by result: completed, overtaken (by a newer deploy), held, or failed (not complete after 30 s; retrying).",
		}, []string{"result", "trigger"}),
		holds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_rollback_holds_total",
			Help: "Due rollbacks that were put on hold, by reason.",
		}, []string{"reason"}),
		detecting: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "reprise_time_to_detect_seconds", Buckets: rolloutBuckets,
			Help: "Time from the first signal of a failure, or from the deploy if a deadline expired, to the phase Failed.",
		}),
		recovering: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "reprise_time_to_recover_seconds", Buckets: rolloutBuckets,
			Help: "Time from the phase Failed to the phase Healthy of the restored revision, including its bake time.",
		}),
	}
	zero(r.verdicts, []string{"healthy", "failed"})
	zero(r.rollbacks, []string{"completed", "overtaken", "held", "failed"}, []string{"failure", "request"})
	zero(r.holds, holdReasons)
	return r
}

// Assessed implements guard.Observer.
func (r *Rollback) Assessed(verdict string) { r.verdicts.WithLabelValues(verdict).Inc() }

// Detected implements guard.Observer.
func (r *Rollback) Detected(after time.Duration) { r.detecting.Observe(after.Seconds()) }

// Recovered implements guard.Observer.
func (r *Rollback) Recovered(after time.Duration) { r.recovering.Observe(after.Seconds()) }

// RolledBack implements guard.Observer.
func (r *Rollback) RolledBack(result, trigger string) {
	r.rollbacks.WithLabelValues(result, trigger).Inc()
}

// Held implements guard.Observer.
func (r *Rollback) Held(reason v1alpha1.HoldReason) { r.holds.WithLabelValues(string(reason)).Inc() }
