package effective

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestCompute_ContradictoryContainerResources(t *testing.T) {
	const container = "spec.containers[0].resources"
	for _, tc := range []struct {
		reason string
		in     corev1.ResourceRequirements
		want   []string
	}{
		{"equal in different forms", stating(amounts("memory", "1Gi"), amounts("memory", "1024Mi")), nil},
		{"a request above the limit", stating(amounts("memory", "1Gi"), amounts("memory", "1G")), []string{"request-over-limit " + container + ".requests"}},
		{"an extended resource below its limit", stating(amounts("example.com/gpu", "1"), amounts("example.com/gpu", "2")), []string{"overcommit " + container + ".requests"}},
		{"an extended resource without a limit", stating(amounts("example.com/gpu", "1"), nil), []string{"overcommit " + container + ".limits"}},
		{"an extended resource with a limit alone", stating(nil, amounts("example.com/gpu", "1")), nil},
		{"half an extended resource", stating(nil, amounts("example.com/gpu", "500m")),
			[]string{"resource-invalid " + container + ".limits[example.com/gpu]", "resource-invalid " + container + ".requests[example.com/gpu]"}},
		{"huge pages with memory", stating(nil, amounts("hugepages-2Mi", "4Mi", "memory", "1Gi")), nil},
		{"huge pages alone", stating(nil, amounts("hugepages-2Mi", "4Mi")), []string{"overcommit " + container}},
		{"one and a half huge pages", stating(amounts("cpu", "1"), amounts("hugepages-2Mi", "3Mi")),
			[]string{"resource-invalid " + container + ".limits[hugepages-2Mi]", "resource-invalid " + container + ".requests[hugepages-2Mi]"}},
		{"a negative request", stating(amounts("cpu", "-1"), nil), []string{"resource-invalid " + container + ".requests[cpu]"}},
		{"a resource that containers do not have", stating(amounts("storage", "1Gi"), nil), []string{"resource-invalid " + container + ".requests[storage]"}},
		{"a quota's name for a resource", stating(nil, amounts("requests.example.com/gpu", "1")),
			[]string{"resource-invalid " + container + ".limits[requests.example.com/gpu]", "resource-invalid " + container + ".requests[requests.example.com/gpu]"}},
	} {
		r := Compute(app(tc.in), namespace())
		if got := violated(r); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.reason, got, tc.want)
		}
	}
}

func TestCompute_RequestAboveItsOwnLimitHasNoCause(t *testing.T) {
	got := one(t, Compute(app(stating(amounts("cpu", "2"), amounts("cpu", "1500m"))), namespace()))
	if got.Message != "container app requests 2 cpu, more than its limit of 1500m" || got.Cause != (Cause{}) {
		t.Errorf("violation %+v", got)
	}
}
