package effective

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// BenchmarkCompute derives a pod of three containers, without violations, in a namespace with two
// LimitRanges and a quota.
func BenchmarkCompute(b *testing.B) {
	template := app(stating(amounts("cpu", "100m"), amounts("memory", "256Mi")))
	for i := range 2 {
		c := template.Spec.Containers[0]
		c.Name = fmt.Sprintf("extra-%d", i)
		template.Spec.Containers = append(template.Spec.Containers, c)
	}
	ns := namespace(
		limitRange("defaults", corev1.LimitRangeItem{Type: corev1.LimitTypeContainer,
			Default: amounts("cpu", "1", "memory", "512Mi"), DefaultRequest: amounts("cpu", "100m", "memory", "128Mi"),
			Max: amounts("cpu", "4", "memory", "4Gi"), Min: amounts("cpu", "10m", "memory", "16Mi")}),
		limitRange("pods", corev1.LimitRangeItem{Type: corev1.LimitTypePod, Max: amounts("cpu", "8", "memory", "8Gi")}),
		quota("team", amounts("requests.cpu", "20", "limits.memory", "40Gi", "pods", "50"), amounts("requests.cpu", "2", "limits.memory", "4Gi", "pods", "5")))
	if r := Compute(template, ns); len(r.Violations)+len(r.Unknown) > 0 {
		b.Fatalf("violations %v, cannot tell %v", r.Violations, r.Unknown)
	}
	b.ReportAllocs()
	for b.Loop() {
		Compute(template, ns)
	}
}
