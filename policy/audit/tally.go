package audit

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"reprise.dev/reprise/policy"
)

// exempted is the enforcement of what an exemption lets pass.
const exempted = "exempt"

// finding is that a policy objects to a workload, and what comes of it.
type finding struct {
	policy      string
	enforcement string
}

// judged is what was found about one workload.
type judged struct {
	findings sets.Set[finding]
	unjudged sets.Set[string]
}

// Tally counts the workloads that the policies object to. It is a collector of metrics.
type Tally struct {
	// rules are those in force, so that one that objects to nothing is counted as 0.
	rules func() []policy.Rule

	mu        sync.Mutex // guards workloads
	workloads map[types.NamespacedName]judged
}

// NewTally makes a Tally. It counts nothing until something is noted: only a leader does.
func NewTally(rules func() []policy.Rule) *Tally {
	return &Tally{rules: rules, workloads: map[types.NamespacedName]judged{}}
}

// Note takes a workload's verdict in the place of the one before.
func (t *Tally) Note(name types.NamespacedName, v policy.Verdict) {
	j := judged{findings: sets.Set[finding]{}, unjudged: sets.Set[string]{}}
	for enforcement, violations := range map[policy.Enforcement][]policy.Violation{
		policy.EnforceDeny: v.Violations, policy.EnforceWarn: v.Warnings, policy.EnforceDryRun: v.DryRun,
	} {
		for _, violation := range violations {
			j.findings.Insert(finding{violation.Rule, string(enforcement)})
		}
	}
	for _, e := range v.Exempted {
		j.findings.Insert(finding{e.Rule, exempted})
	}
	for _, e := range v.Errors {
		j.unjudged.Insert(e.Rule)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.workloads[name] = j
}

// Forget drops a workload that is gone or is none any more.
func (t *Tally) Forget(name types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.workloads, name)
}

var (
	audited = prometheus.NewDesc("reprise_audited_workloads",
		"Running workloads that were evaluated with the active policies; exported by the leader only.", nil, nil)
	violating = prometheus.NewDesc("reprise_audit_violations",
		"Running workloads that violate a policy, by its enforcement: deny, warn, dryrun or exempt.", []string{"policy", "enforcement"}, nil)
	unjudged = prometheus.NewDesc("reprise_audit_evaluation_errors",
		"Running workloads that a policy failed to evaluate.", []string{"policy"}, nil)
)

// Describe implements prometheus.Collector.
func (*Tally) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- audited
	descriptions <- violating
	descriptions <- unjudged
}

// Collect implements prometheus.Collector.
func (t *Tally) Collect(metrics chan<- prometheus.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.workloads) == 0 {
		return
	}
	violations, failures := map[finding]float64{}, map[string]float64{}
	for _, rule := range t.rules() {
		violations[finding{rule.Name, string(rule.Enforcement)}] = 0
	}
	for _, j := range t.workloads {
		for f := range j.findings {
			violations[f]++
		}
		for name := range j.unjudged {
			failures[name]++
		}
	}
	metrics <- prometheus.MustNewConstMetric(audited, prometheus.GaugeValue, float64(len(t.workloads)))
	for f, count := range violations {
		metrics <- prometheus.MustNewConstMetric(violating, prometheus.GaugeValue, count, f.policy, f.enforcement)
	}
	for name, count := range failures {
		metrics <- prometheus.MustNewConstMetric(unjudged, prometheus.GaugeValue, count, name)
	}
}
