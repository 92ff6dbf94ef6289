package audit

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"reprise.dev/reprise/policy"
)

// finding is the violation of a policy by a workload, with the policy's enforcement.
type finding struct {
	policy      string
	enforcement string
}

// result is the result for one workload.
type result struct {
	findings sets.Set[finding]
	errors   sets.Set[string]
}

// Tally counts the workloads that violate policies. It is a collector of metrics.
type Tally struct {
	// rules returns the active rules, so that a rule without violations is exported as 0.
	rules func() []policy.Rule

	mu        sync.Mutex // guards workloads
	workloads map[types.NamespacedName]result
}

// NewTally returns a Tally. It exports nothing until Note is called, which only a leader does.
func NewTally(rules func() []policy.Rule) *Tally {
	return &Tally{rules: rules, workloads: map[types.NamespacedName]result{}}
}

// Note replaces a workload's verdict.
func (t *Tally) Note(name types.NamespacedName, v policy.Verdict) {
	j := result{findings: sets.Set[finding]{}, errors: sets.Set[string]{}}
	for enforcement, rules := range v.RulesByEnforcement() {
		for _, rule := range rules {
			j.findings.Insert(finding{rule, string(enforcement)})
		}
	}
	for _, e := range v.Errors {
		j.errors.Insert(e.Rule)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.workloads[name] = j
}

// Forget removes a workload that was deleted or is no longer managed.
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
	failed = prometheus.NewDesc("reprise_audit_evaluation_errors",
		"Running workloads that a policy failed to evaluate.", []string{"policy"}, nil)
)

// Describe implements prometheus.Collector.
func (*Tally) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- audited
	descriptions <- violating
	descriptions <- failed
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
		for name := range j.errors {
			failures[name]++
		}
	}
	metrics <- prometheus.MustNewConstMetric(audited, prometheus.GaugeValue, float64(len(t.workloads)))
	for f, count := range violations {
		metrics <- prometheus.MustNewConstMetric(violating, prometheus.GaugeValue, count, f.policy, f.enforcement)
	}
	for name, count := range failures {
		metrics <- prometheus.MustNewConstMetric(failed, prometheus.GaugeValue, count, name)
	}
}
