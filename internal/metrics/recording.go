package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Recording counts what becomes a Revision.
type Recording struct{ recorded, failed prometheus.Counter }

func newRecording() *Recording {
	return &Recording{
		recorded: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "reprise_revisions_recorded_total", Help: "Revisions that were recorded.",
		}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "reprise_revisions_lost_total",
			Help: "Deploys that could not be recorded for good, and cannot be gone back to.",
		}),
	}
}

// Recorded implements history.Observer.
func (r *Recording) Recorded() { r.recorded.Inc() }

// RecordFailed implements history.Observer.
func (r *Recording) RecordFailed() { r.failed.Inc() }

// Backlog is how many stored intents wait to be recorded, and since when the oldest does; zero where none waits.
type Backlog func() (waiting int, since time.Time)

// Recorder serves how far the recorder lags behind. A process that does not lead records nothing, and serves nothing.
type Recorder struct {
	Leads   func() bool
	Backlog Backlog
	Now     func() time.Time
}

var (
	waiting = prometheus.NewDesc("reprise_recorder_waiting",
		"Stored intents that wait to be recorded; on the leader only.", nil, nil)
	lag = prometheus.NewDesc("reprise_recorder_lag_seconds",
		"How long the oldest stored intent has waited to be recorded; on the leader only.", nil, nil)
)

// Describe implements prometheus.Collector.
func (Recorder) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- waiting
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
	metrics <- prometheus.MustNewConstMetric(waiting, prometheus.GaugeValue, float64(count))
	metrics <- prometheus.MustNewConstMetric(lag, prometheus.GaugeValue, behind.Seconds())
}
