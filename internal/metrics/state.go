package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
)

// State serves what is recorded of the cluster, counted when Prometheus asks. Every replica's cache knows it, and only
// the leader serves it: a sum over the replicas would count twice. While the lead changes there may be two, or none, for
// one scrape, so queries take the maximum.
type State struct {
	Leads func() bool
	// Census counts what is recorded.
	Census func() history.Stats
}

var (
	revisions = prometheus.NewDesc("reprise_revisions",
		"Recorded revisions, by phase; on the leader only.", []string{"phase"}, nil)
	workloads = prometheus.NewDesc("reprise_workloads",
		"Guarded workloads, by the phase of their newest revision; on the leader only.", []string{"phase"}, nil)
	held = prometheus.NewDesc("reprise_held_rollbacks",
		"Workloads whose rollback is due and is not done; on the leader only.", nil, nil)
	open = prometheus.NewDesc("reprise_open_rollbacks",
		"Rollbacks that were begun and are not at their end; on the leader only.", nil, nil)
	quarantines = prometheus.NewDesc("reprise_quarantines",
		"Pod templates that failed and are refused at admission; on the leader only.", nil, nil)
)

// Describe implements prometheus.Collector.
func (State) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{revisions, workloads, held, open, quarantines} {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (s State) Collect(metrics chan<- prometheus.Metric) {
	if !s.Leads() {
		return
	}
	census := s.Census()
	gauge := func(d *prometheus.Desc, value int, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}
	for _, phase := range v1alpha1.Phases() {
		gauge(revisions, census.Revisions[phase], string(phase))
		gauge(workloads, census.Workloads[phase], string(phase))
	}
	gauge(held, census.Held)
	gauge(open, census.Open)
	gauge(quarantines, census.Quarantines)
}
