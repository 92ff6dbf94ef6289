package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
)

// State exports counts of the recorded revisions. Every replica has them in its cache, but only the
// leader exports them. During a failover zero or two replicas may export them, so queries use
// max().
type State struct {
	Leads func() bool
	// Stats counts the revisions.
	Stats func() history.Stats
}

var (
	revisions = prometheus.NewDesc("reprise_revisions",
		"Recorded revisions, by phase; exported by the leader only.", []string{"phase"}, nil)
	workloads = prometheus.NewDesc("reprise_workloads",
		"Guarded workloads, by the phase of their newest revision; exported by the leader only.", []string{"phase"}, nil)
	held = prometheus.NewDesc("reprise_rollbacks_held",
		"Workloads whose due rollback is on hold; exported by the leader only.", nil, nil)
	inProgress = prometheus.NewDesc("reprise_rollbacks_in_progress",
		"Rollbacks that have started and not ended; exported by the leader only.", nil, nil)
	quarantined = prometheus.NewDesc("reprise_quarantined_templates",
		"Failed pod templates that admission denies; exported by the leader only.", nil, nil)
)

// Describe implements prometheus.Collector.
func (State) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{revisions, workloads, held, inProgress, quarantined} {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (s State) Collect(metrics chan<- prometheus.Metric) {
	if !s.Leads() {
		return
	}
	stats := s.Stats()
	gauge := func(d *prometheus.Desc, value int, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}
	for _, phase := range v1alpha1.Phases() {
		gauge(revisions, stats.Revisions[phase], string(phase))
		gauge(workloads, stats.Workloads[phase], string(phase))
	}
	gauge(held, stats.Held)
	gauge(inProgress, stats.Open)
	gauge(quarantined, stats.Quarantines)
}
