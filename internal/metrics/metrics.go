// Package metrics defines the metrics of Reprise. docs/operations.md documents them, and a test
// compares the page with what a running binary exports. A package that reports something declares
// an interface, which a type of this package implements.
//
// The values of a label are a closed list, or the names of the active policies. No label names a
// workload, a namespace, a user or a pod: the log and the Events do.
package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics has the metrics that are updated when something happens. State, Recorder and PolicySet
// are computed at a scrape.
type Metrics struct {
	Admission *Admission
	Rollback  *Rollback
	Recording *Recording
	Policies  *Policies
}

// New creates the metrics. Every series of a closed list starts at zero, since the function
// increase() of Prometheus misses the first increase of a new series.
func New() *Metrics {
	return &Metrics{Admission: newAdmission(), Rollback: newRollback(), Recording: newRecording(), Policies: newPolicies()}
}

// Register registers the metrics, and others, with a registry.
func (m *Metrics) Register(registry prometheus.Registerer, others ...prometheus.Collector) error {
	all := append(m.collectors(), others...)
	for _, collector := range all {
		if err := registry.Register(collector); err != nil {
			return fmt.Errorf("registering a metric: %w", err)
		}
	}
	return nil
}

func (m *Metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		m.Admission.admissions, m.Admission.answering, m.Admission.evaluating, m.Admission.violations, m.Admission.errors, m.Admission.unevaluated,
		m.Rollback.verdicts, m.Rollback.rollbacks, m.Rollback.holds, m.Rollback.detecting, m.Rollback.recovering,
		m.Recording.recorded, m.Recording.failed, m.Recording.evicted,
		m.Policies.invalid, m.Policies.warned, m.Policies.loadErrors,
	}
}

// zero creates every series of closed lists of label values.
func zero(vector *prometheus.CounterVec, labels ...[]string) {
	combinations := [][]string{nil}
	for _, values := range labels {
		var longer [][]string
		for _, begun := range combinations {
			for _, value := range values {
				longer = append(longer, append(begun[:len(begun):len(begun)], value))
			}
		}
		combinations = longer
	}
	for _, combination := range combinations {
		vector.WithLabelValues(combination...)
	}
}
