package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Recording counts the recorded revisions.
type Recording struct{ recorded, failed, evicted prometheus.Counter }

func newRecording() *Recording {
	return &Recording{
		recorded: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "reprise_revisions_recorded_total", Help: "Recorded revisions.",
		}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "reprise_revision_record_failures_total",
			Help: "Deploys that could not be recorded; they cannot be rollback targets.",
		}),
		evicted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "reprise_revisions_evicted_total",
			Help: "Revisions deleted early because the history of their namespace exceeded its bounds.",
		}),
	}
}

// Recorded implements recorder.Observer.
func (r *Recording) Recorded() { r.recorded.Inc() }

// RecordFailed implements recorder.Observer.
func (r *Recording) RecordFailed() { r.failed.Inc() }

// Evicted implements gc.Observer.
func (r *Recording) Evicted(revisions int) { r.evicted.Add(float64(revisions)) }

// Backlog returns how many deploys wait to be recorded, and since when the oldest waits; zero if
// none does.
type Backlog func() (length int, since time.Time)

// Recorder exports the backlog of the recorder. Only the leader records and exports.
type Recorder struct {
	Leads   func() bool
	Backlog Backlog
	Now     func() time.Time
}

var (
	queueLength = prometheus.NewDesc("reprise_recorder_queue_length",
		"Deploys that wait to be recorded; exported by the leader only.", nil, nil)
	lag = prometheus.NewDesc("reprise_recorder_lag_seconds",
		"Time that the oldest deploy has waited to be recorded; exported by the leader only.", nil, nil)
)

// Describe implements prometheus.Collector.
func (Recorder) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- queueLength
	descriptions <- lag
}

// Collect implements prometheus.Collector.
func (r Recorder) Collect(metrics chan<- prometheus.Metric) {
	if !r.Leads() {
		return
	}
	count, since := r.Backlog()
	behind := time.Duration(0)
	if !since.IsZero() {
		behind = max(r.Now().Sub(since), 0)
	}
	metrics <- prometheus.MustNewConstMetric(queueLength, prometheus.GaugeValue, float64(count))
	metrics <- prometheus.MustNewConstMetric(lag, prometheus.GaugeValue, behind.Seconds())
}
