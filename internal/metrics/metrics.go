// Package metrics is what Reprise counts, by name: docs/operations.md lists the same for people, and a test compares the
// two with what a running binary serves. A room that has something to tell declares an interface, which a type of this
// package satisfies; nothing here decides anything.
//
// Labels are closed lists or the names of policies, which are bounded by what an install has in force. No label names a
// workload, a namespace, a user or a pod: the log and the Events do.
package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are all that are counted as it happens. What is read when Prometheus asks is in State, Recorder and Policies.
type Metrics struct {
	Admission *Admission
	Rollback  *Rollback
	Recording *Recording
	Policies  *Policies
}

// New makes the metrics, each series of a closed list at zero: the first increase of one that was not there before would
// be lost to Prometheus's increase().
func New() *Metrics {
	return &Metrics{Admission: newAdmission(), Rollback: newRollback(), Recording: newRecording(), Policies: newPolicies()}
}

// Register has a registry serve them, and what is given beside them.
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
		m.Admission.admissions, m.Admission.answering, m.Admission.evaluating, m.Admission.objections, m.Admission.unjudged,
		m.Rollback.verdicts, m.Rollback.rollbacks, m.Rollback.holds, m.Rollback.detecting, m.Rollback.recovering,
		m.Recording.recorded, m.Recording.failed,
		m.Policies.invalid, m.Policies.loadErrors,
	}
}

// zero makes every series of a closed list, so that each is there before it is first counted.
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
