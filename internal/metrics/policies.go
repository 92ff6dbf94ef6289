package metrics

import "github.com/prometheus/client_golang/prometheus"

// Policies tells which policies are in force and which could not be loaded. Every replica loads them for itself.
type Policies struct {
	invalid    prometheus.Gauge
	loadErrors prometheus.Counter
}

func newPolicies() *Policies {
	return &Policies{
		invalid: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reprise_policy_invalid_sources",
			Help: "ConfigMaps of policies that cannot be used as they are; what was in force of them before stays.",
		}),
		loadErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "reprise_policy_load_errors_total",
			Help: "Times that policies were loaded and not all of them could be used.",
		}),
	}
}

// Loaded notes that policies were loaded, and how many ConfigMaps could not be used.
func (p *Policies) Loaded(invalid int) {
	p.invalid.Set(float64(invalid))
	if invalid > 0 {
		p.loadErrors.Inc()
	}
}

// Failed notes that policies could not be loaded at all: those in force stay.
func (p *Policies) Failed() { p.loadErrors.Inc() }

// PolicySet serves the digest of the policies in force: replicas of one install should agree.
type PolicySet struct{ Hash func() string }

var policySet = prometheus.NewDesc("reprise_policy_set_info",
	"1, with the digest of the policies in force, which the log of each decision names too.", []string{"digest"}, nil)

// Describe implements prometheus.Collector.
func (PolicySet) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- policySet }

// Collect implements prometheus.Collector.
func (p PolicySet) Collect(metrics chan<- prometheus.Metric) {
	metrics <- prometheus.MustNewConstMetric(policySet, prometheus.GaugeValue, 1, p.Hash())
}
