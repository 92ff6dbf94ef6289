package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Admission counts the responses of the webhook. Every replica serves admission, so the cluster's
// total is the sum over the replicas.
type Admission struct {
	admissions            *prometheus.CounterVec
	answering, evaluating *prometheus.HistogramVec
	violations, errors    *prometheus.CounterVec
	unevaluated           *prometheus.CounterVec
	// active has the policies with series and their enforcement.
	active map[string]string
}

// admissionBuckets reach from the time of a few rules to the webhook timeout, in seconds. Those of
// controller_runtime_webhook_latency_seconds are powers of ten, which is too coarse.
var admissionBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 3}

func newAdmission() *Admission {
	a := &Admission{
		admissions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_admissions_total",
			Help: "Writes of workloads by decision. A write that passes the early phase is counted in the final phase.",
		}, []string{"decision", "operation", "dry_run"}),
		answering: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "reprise_admission_duration_seconds", Buckets: admissionBuckets,
			Help: "Time to respond to an admission review.",
		}, []string{"phase"}),
		evaluating: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "reprise_policy_evaluation_duration_seconds", Buckets: admissionBuckets,
			Help: "Time to evaluate all policies for an admission review.",
		}, []string{"phase"}),
		violations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_policy_violations_total",
			Help: "Admission reviews that violate a policy, by its enforcement.",
		}, []string{"policy", "enforcement"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_policy_evaluation_errors_total",
			Help: "Admission reviews that a policy failed to evaluate, by reason: broken, timeout or no-data.",
		}, []string{"policy", "reason"}),
		unevaluated: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_admission_unevaluated_denials_total",
			Help: "Admission reviews that are denied without an evaluation, by reason: too-large, busy, malformed or panic.",
		}, []string{"reason"}),
	}
	zero(a.unevaluated, []string{"too-large", "busy", "malformed", "panic"})
	for _, phase := range []string{"early", "final"} {
		a.answering.WithLabelValues(phase)
		a.evaluating.WithLabelValues(phase)
	}
	zero(a.admissions, []string{"allowed", "warned", "denied", "quarantined", "unchecked"}, []string{"create", "update"}, []string{"false", "true"})
	return a
}

// SetActive creates the series of the active policies with their enforcement, and deletes those of
// other policies. It must not be called concurrently.
func (a *Admission) SetActive(policies map[string]string) {
	for policy := range a.active {
		if _, active := policies[policy]; !active {
			a.violations.DeletePartialMatch(prometheus.Labels{"policy": policy})
			a.errors.DeletePartialMatch(prometheus.Labels{"policy": policy})
		}
	}
	for policy, enforcement := range policies {
		a.violations.WithLabelValues(policy, enforcement)
		for _, reason := range []string{"broken", "timeout", "no-data"} {
			a.errors.WithLabelValues(policy, reason)
		}
	}
	a.active = policies
}

// Admitted implements webhook.Observer.
func (a *Admission) Admitted(decision, operation string, dryRun bool) {
	a.admissions.WithLabelValues(decision, operation, strconv.FormatBool(dryRun)).Inc()
}

// Answered implements webhook.Observer.
func (a *Admission) Answered(phase string, took time.Duration) {
	a.answering.WithLabelValues(phase).Observe(took.Seconds())
}

// Evaluated implements webhook.Observer.
func (a *Admission) Evaluated(phase string, took time.Duration) {
	a.evaluating.WithLabelValues(phase).Observe(took.Seconds())
}

// Violated implements webhook.Observer.
func (a *Admission) Violated(policy, enforcement string) {
	a.violations.WithLabelValues(policy, enforcement).Inc()
}

// EvaluationFailed implements webhook.Observer.
func (a *Admission) EvaluationFailed(policy, reason string) {
	a.errors.WithLabelValues(policy, reason).Inc()
}

// Unevaluated counts a review that is denied without an evaluation.
func (a *Admission) Unevaluated(reason string) { a.unevaluated.WithLabelValues(reason).Inc() }
