package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Admission counts what the webhook answers. Every replica serves admission, so the sum over the replicas is the
// cluster's.
type Admission struct {
	admissions            *prometheus.CounterVec
	answering, evaluating *prometheus.HistogramVec
	objections, unjudged  *prometheus.CounterVec
	// inForce are the policies that have series, with their enforcement.
	inForce map[string]string
}

// admissionBuckets reach from what a few rules take to the API server's patience with a webhook, in seconds. Those of
// controller_runtime_webhook_latency_seconds grow tenfold each, which tells 2 ms from 900 ms by nothing.
var admissionBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 3}

func newAdmission() *Admission {
	a := &Admission{
		admissions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_admissions_total",
			Help: "Writes of workloads that were judged, by what became of them. One that passes the early check is counted by the last word.",
		}, []string{"decision", "operation", "dry_run"}),
		answering: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "reprise_admission_duration_seconds", Buckets: admissionBuckets,
			Help: "How long the answer to an admission review took, from its arrival.",
		}, []string{"phase"}),
		evaluating: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "reprise_policy_evaluation_duration_seconds", Buckets: admissionBuckets,
			Help: "How long all policies together took to judge one review.",
		}, []string{"phase"}),
		objections: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_policy_objections_total",
			Help: "Reviews in which a policy objected, once for each review, by what its enforcement makes of it.",
		}, []string{"policy", "enforcement"}),
		unjudged: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_policy_unjudged_total",
			Help: "Reviews that a policy could not judge, by why: broken, timeout, or no-data.",
		}, []string{"policy", "reason"}),
	}
	for _, phase := range []string{"early", "final"} {
		a.answering.WithLabelValues(phase)
		a.evaluating.WithLabelValues(phase)
	}
	zero(a.admissions, []string{"allowed", "warned", "denied", "quarantined", "unchecked"}, []string{"create", "update"}, []string{"false", "true"})
	return a
}

// SetActive makes the series of the policies that are in force, with their enforcement, so that each is there before it is
// first counted, and drops those of policies that are not any more. It must not be called twice at once.
func (a *Admission) SetActive(policies map[string]string) {
	for policy := range a.inForce {
		if _, stays := policies[policy]; !stays {
			a.objections.DeletePartialMatch(prometheus.Labels{"policy": policy})
			a.unjudged.DeletePartialMatch(prometheus.Labels{"policy": policy})
		}
	}
	for policy, enforcement := range policies {
		a.objections.WithLabelValues(policy, enforcement)
		for _, reason := range []string{"broken", "timeout", "no-data"} {
			a.unjudged.WithLabelValues(policy, reason)
		}
	}
	a.inForce = policies
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
	a.objections.WithLabelValues(policy, enforcement).Inc()
}

// EvaluationFailed implements webhook.Observer.
func (a *Admission) EvaluationFailed(policy, reason string) {
	a.unjudged.WithLabelValues(policy, reason).Inc()
}
