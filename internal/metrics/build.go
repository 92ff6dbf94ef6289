package metrics

import "github.com/prometheus/client_golang/prometheus"

// Build exports the version and the commit of the build.
func Build(version, commit string) prometheus.Collector {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "reprise_build_info",
		Help:        "1, with the version and the commit of the build.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit},
	})
	gauge.Set(1)
	return gauge
}
