package effectivepod

import (
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Each row holds forms of one amount, rows ascending, so that bounds are often
// met exactly and by another form.
var (
	cpuAmounts = [][]string{
		{"0", "0m", "0.0"}, {"1n", "1u", "1m", "0.0001"}, {"10m", "0.01", "10000u"}, {"100m", "0.1", "1e-1"},
		{"250m", "0.25", "250000u"}, {"500m", "0.5", "5e-1"}, {"1", "1000m", "1e0", "1.0"}, {"1500m", "1.5"},
		{"2", "2000m", "2E0"}, {"4", "4000m"}, {"8", "8e0"}, {"64", "64000m"},
	}
	memoryAmounts = [][]string{
		{"0", "0Mi"}, {"1m", "500u"}, {"1", "1000m"}, {"1Ki", "1024"}, {"4M", "4000k", "4e6"}, {"64Mi", "65536Ki", "67108864"},
		{"128974848", "128974848000m", "123Mi"}, {"200Mi", "209715200"}, {"250Mi", "262144000", "0.244140625Gi"},
		{"256Mi", "0.25Gi", "268435456"}, {"512Mi", "0.5Gi"}, {"1G", "1e9", "1000M"}, {"1Gi", "1024Mi"}, {"2Gi", "2.0Gi"},
		{"8Gi", "8192Mi"}, {"1Ti"}, {"4Ei"}, {"9223372036854775807"},
	}
	pageAmounts = map[corev1.ResourceName][][]string{
		"hugepages-2Mi": {{"0"}, {"2Mi", "2048Ki"}, {"4Mi"}, {"8Mi"}, {"3Mi"}},
		"hugepages-1Gi": {{"0"}, {"1Gi", "1024Mi"}, {"2Gi"}, {"4Gi"}, {"1.5Gi"}},
	}
	countAmounts = [][]string{{"0"}, {"1", "1000m", "1e0"}, {"2", "2.0"}, {"4"}, {"8"}, {"500m"}, {"9223372036854775807"}}
)

// amounts are the amounts that suit a resource.
func amounts(name corev1.ResourceName) [][]string {
	switch name {
	case corev1.ResourceCPU:
		return cpuAmounts
	case corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
		return memoryAmounts
	case corev1.ResourcePods:
		return countAmounts[:5] // whole ones
	}
	if rows, ok := pageAmounts[name]; ok {
		return rows
	}
	return countAmounts
}

// generator draws a case's or a namespace's objects from its own source.
type generator struct {
	*rand.Rand
	// rare are the rare resources of the namespace, drawn in that many percent of
	// all draws: the fewer and the oftener, the more of its objects meet.
	rare        []corev1.ResourceName
	rarePercent int
}

// chance is true in that many of a hundred draws.
func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

// usual draws a row of a resource, from the middle of what it can be, seldom from its ends.
func (g generator) usual(name corev1.ResourceName) int {
	rows := len(amounts(name))
	if g.chance(12) {
		return g.IntN(2)
	}
	if g.chance(10) || rows < 8 {
		return g.IntN(rows)
	}
	return 3 + g.IntN(rows-6)
}

func (g generator) form(name corev1.ResourceName, row int) resource.Quantity {
	return resource.MustParse(pick(g, amounts(name)[row]...))
}

// quantity draws an amount in one of its forms; one in a hundred is negative.
func (g generator) quantity(name corev1.ResourceName) resource.Quantity {
	q := g.form(name, g.usual(name))
	if g.IntN(600) == 0 {
		q.Neg()
	}
	return q
}

// commonResources are drawn most often.
var commonResources = []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory}

// rareResources are drawn now and then.
var rareResources = []corev1.ResourceName{
	corev1.ResourceEphemeralStorage, "hugepages-2Mi", "hugepages-1Gi", "example.com/gpu", "example.com/fpga",
	"deviceclass.resource.kubernetes.io/gpu", "kubernetes.io/odd",
}

// wrongResources are names that no container may state.
var wrongResources = []corev1.ResourceName{
	"storage", "pods", "nonsense", "requests.example.com/gpu", "requests.cpu", "hugepages-x", "example.com/", "hugepages-0",
}

func (g generator) resources() []corev1.ResourceName {
	var names []corev1.ResourceName
	for _, name := range commonResources {
		if g.chance(75) {
			names = append(names, name)
		}
	}
	if g.chance(g.rarePercent) {
		names = append(names, pick(g, g.rare...))
	}
	if g.IntN(400) == 0 {
		names = append(names, pick(g, wrongResources...))
	}
	return names
}
