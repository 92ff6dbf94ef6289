package metrics

import (
	"runtime/debug"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Build serves which build this is, as the Go toolchain stamped it: unknown where it did not.
func Build(info *debug.BuildInfo) prometheus.Collector {
	version, commit := "unknown", "unknown"
	if info != nil {
		version = strings.Trim(info.Main.Version, "()")
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				commit = setting.Value
			}
		}
	}
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "reprise_build_info",
		Help:        "1, with the version and the commit of the build.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit},
	})
	gauge.Set(1)
	return gauge
}
