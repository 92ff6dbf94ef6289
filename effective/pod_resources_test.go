package effective

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestCompute_CompletesPodLevelResources(t *testing.T) {
	for _, tc := range []struct {
		reason           string
		pod, container   corev1.ResourceRequirements
		requests, limits string
	}{
		{"nothing stated stays nothing", stating(nil, nil), stating(amounts("cpu", "1"), nil), "", ""},
		{"the request is what the containers request", stating(nil, amounts("cpu", "4")), stating(amounts("cpu", "1"), nil), "cpu=1", "cpu=4"},
		{"or else the pod's limit", stating(nil, amounts("cpu", "4")), stating(nil, nil), "cpu=4", "cpu=4"},
		{"one resource stated, the other taken too", stating(nil, amounts("cpu", "4")), stating(amounts("memory", "1Gi"), nil), "cpu=4,memory=1Gi", "cpu=4"},
		{"the limit is what all containers limit", stating(amounts("cpu", "1"), nil), stating(nil, amounts("cpu", "1")), "cpu=1", "cpu=1"},
		{"but no less than the request", stating(amounts("cpu", "3"), nil), stating(nil, amounts("cpu", "1")), "cpu=3", "cpu=3"},
		{"no limit where a container has none", stating(amounts("cpu", "3"), nil), stating(amounts("cpu", "1"), nil), "cpu=3", ""},
		{"huge pages", stating(amounts("cpu", "3"), nil), stating(nil, amounts("cpu", "1", "hugepages-2Mi", "2Mi")),
			"cpu=3,hugepages-2Mi=2Mi", "cpu=3,hugepages-2Mi=2Mi"},
	} {
		template := with(app(tc.container), func(s *corev1.PodSpec) { s.Resources = new(tc.pod) })
		got := Compute(template, namespace()).Pod.Spec.Resources
		if written(got.Requests) != tc.requests || written(got.Limits) != tc.limits {
			t.Errorf("%s: requests %q limits %q, want %q and %q", tc.reason, written(got.Requests), written(got.Limits), tc.requests, tc.limits)
		}
	}
}

func TestCompute_PodLevelResourcesMustHoldTheContainers(t *testing.T) {
	for _, tc := range []struct {
		reason         string
		pod, container corev1.ResourceRequirements
		want           []string
	}{
		{"a limit of 1 where the containers request 2", stating(nil, amounts("cpu", "1")), stating(amounts("cpu", "2"), nil),
			[]string{"request-over-limit spec.resources.requests"}},
		{"a request below what the containers request", stating(amounts("cpu", "1"), nil), stating(amounts("cpu", "2"), nil),
			[]string{"pod-resources spec.resources.requests[cpu]"}},
		{"a container's limit above the pod's", stating(nil, amounts("cpu", "2")), stating(amounts("cpu", "1"), amounts("cpu", "3")),
			[]string{"pod-resources spec.containers[0].resources.limits[cpu]"}},
		{"a request above the sum of the containers' limits", stating(amounts("cpu", "3"), nil), stating(nil, amounts("cpu", "2")), nil},
		{"a resource that pods do not have", stating(amounts("ephemeral-storage", "1Gi"), nil), stating(nil, nil),
			[]string{"resource-invalid spec.resources.requests[ephemeral-storage]"}},
	} {
		template := with(app(tc.container), func(s *corev1.PodSpec) { s.Resources = new(tc.pod) })
		if got := violated(Compute(template, namespace())); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.reason, got, tc.want)
		}
	}
}

func TestCompute_LimitRangeDefaultAboveThePodsLimitNamesTheLimitRange(t *testing.T) {
	template := with(app(stating(nil, nil)), func(s *corev1.PodSpec) { s.Resources = new(stating(nil, amounts("memory", "1Gi"))) })
	r := Compute(template, namespace(limitRange("defaults", corev1.LimitRangeItem{Type: corev1.LimitTypeContainer,
		Default: amounts("memory", "2Gi"), DefaultRequest: amounts("memory", "1Gi")})))
	got := one(t, r)
	if got.Cause.Name != "defaults" || got.Message != "LimitRange defaults sets the memory limit of container app to 2Gi, more than the pod's limit of 1Gi" {
		t.Errorf("violation %+v", got)
	}
}

func TestCompute_WindowsPodsHaveNoPodLevelResources(t *testing.T) {
	template := with(app(stating(nil, nil)), func(s *corev1.PodSpec) {
		s.OS, s.Resources = &corev1.PodOS{Name: corev1.Windows}, new(stating(amounts("cpu", "1"), nil))
	})
	if got := one(t, Compute(template, namespace())); got.Rule != RulePodResources || got.Field != "spec.resources" {
		t.Errorf("violation %+v", got)
	}
}
