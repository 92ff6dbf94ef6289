package metrics

import "github.com/prometheus/client_golang/prometheus"

// Policies counts loads of policies. Every replica loads them.
type Policies struct {
	invalid    prometheus.Gauge
	warned     prometheus.Gauge
	loadErrors prometheus.Counter
}

func newPolicies() *Policies {
	return &Policies{
		invalid: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reprise_policy_invalid_sources",
			Help: "Invalid policy ConfigMaps, whose last valid policies stay active.",
		}),
		warned: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reprise_policy_ineffective_sources",
			Help: "Active policy ConfigMaps of which a part has no effect.",
		}),
		loadErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "reprise_policy_load_errors_total",
			Help: "Loads of policies with at least one error.",
		}),
	}
}

// Loaded counts a load with a number of invalid ConfigMaps, and of those with a part that has no
// effect.
func (p *Policies) Loaded(invalid, ineffective int) {
	p.warned.Set(float64(ineffective))
	p.invalid.Set(float64(invalid))
	if invalid > 0 {
		p.loadErrors.Inc()
	}
}

// Failed counts a load that failed completely.
func (p *Policies) Failed() { p.loadErrors.Inc() }

// PolicySet exports the hash of the active policies, on which all replicas should agree.
type PolicySet struct{ Hash func() string }

var policySet = prometheus.NewDesc("reprise_policy_set_info",
	"1, with the hash of the active policies, which is also in the log of each decision.", []string{"hash"}, nil)

// Describe implements prometheus.Collector.
func (PolicySet) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- policySet }

// Collect implements prometheus.Collector.
func (p PolicySet) Collect(metrics chan<- prometheus.Metric) {
	metrics <- prometheus.MustNewConstMetric(policySet, prometheus.GaugeValue, 1, p.Hash())
}
