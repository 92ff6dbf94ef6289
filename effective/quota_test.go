package effective

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestCompute_QuotaDemandsCPUAndMemory(t *testing.T) {
	none := amounts()
	for _, tc := range []struct {
		reason     string
		hard, used corev1.ResourceList
		change     func(*corev1.PodSpec)
		want       []string
	}{
		{"a limit", amounts("limits.cpu", "9"), amounts("limits.cpu", "0"), func(*corev1.PodSpec) {}, []string{"quota-demand spec.containers[0].resources.limits"}},
		{"a request, by the short name", amounts("cpu", "9"), amounts("cpu", "0"), func(s *corev1.PodSpec) { s.Containers[0].Resources = stating(nil, nil) }, []string{"quota-demand spec.containers[0].resources.requests"}},
		{"zero is stated", amounts("cpu", "9"), amounts("cpu", "0"), func(s *corev1.PodSpec) { s.Containers[0].Resources = stating(amounts("cpu", "0"), nil) }, nil},
		{"init containers too", amounts("cpu", "9"), amounts("cpu", "0"), func(s *corev1.PodSpec) { s.InitContainers = []corev1.Container{{Name: "i"}} }, []string{"quota-demand spec.initContainers[0].resources.requests"}},
		{"ephemeral storage is not demanded", amounts("limits.ephemeral-storage", "9"), amounts("limits.ephemeral-storage", "0"), func(*corev1.PodSpec) {}, nil},
		{"pod-level resources lift the demand", amounts("limits.cpu", "9"), amounts("limits.cpu", "0"), func(s *corev1.PodSpec) { s.Resources = new(stating(nil, amounts("memory", "1Gi"))) }, nil},
		{"a quota of other things", amounts("services", "1"), none, func(*corev1.PodSpec) {}, nil},
		{"usage not counted yet", amounts("pods", "1"), none, func(*corev1.PodSpec) {}, []string{"quota-uncounted "}},
		{"nothing in the status yet", none, none, func(*corev1.PodSpec) {}, nil},
	} {
		r := Compute(with(app(stating(amounts("cpu", "1"), nil)), tc.change), namespace(quota("team", tc.hard, tc.used)))
		if got := violated(r); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.reason, got, tc.want)
		}
	}
}

func TestCompute_QuotaExceeded(t *testing.T) {
	gpu := stating(nil, amounts("cpu", "1", "example.com/gpu", "1"))
	for _, tc := range []struct {
		reason           string
		resource         string
		hard, used       string
		wanted, message  string
		runtime, extreme bool
	}{
		{reason: "just enough room", resource: "cpu", hard: "3", used: "2"},
		{reason: "no room now", resource: "requests.cpu", hard: "3", used: "2500m", wanted: "1",
			message: "ResourceQuota team has no room for one more pod: 2500m requests.cpu of 3 are used, the pod needs 1"},
		{reason: "never room", resource: "limits.cpu", hard: "500m", used: "0", wanted: "1", extreme: true,
			message: "ResourceQuota team allows 500m limits.cpu in all, the pod alone needs 1"},
		{reason: "overhead counts", resource: "cpu", hard: "3", used: "2", wanted: "1250m", runtime: true,
			message: "ResourceQuota team has no room for one more pod: 2 cpu of 3 are used, the pod needs 1250m"},
		{reason: "one more pod", resource: "pods", hard: "5", used: "5", wanted: "1",
			message: "ResourceQuota team has no room for one more pod: 5 pods of 5 are used, the pod needs 1"},
		{reason: "extended resources count by requests", resource: "requests.example.com/gpu", hard: "4", used: "4", wanted: "1",
			message: "ResourceQuota team has no room for one more pod: 4 requests.example.com/gpu of 4 are used, the pod needs 1"},
		{reason: "what the pod does not need may be overdrawn", resource: "memory", hard: "1", used: "2"},
	} {
		template := app(gpu)
		if tc.resource == "memory" {
			template.Spec.Containers[0].Resources = stating(nil, amounts("memory", "0"))
		}
		if tc.runtime {
			template.Spec.RuntimeClassName = new("heavy")
		}
		r := Compute(template, namespace(heavyClass, quota("team", amounts(tc.resource, tc.hard), amounts(tc.resource, tc.used))))
		if tc.message == "" {
			if len(r.Violations) != 0 {
				t.Errorf("%s: %v", tc.reason, r.Violations)
			}
			continue
		}
		got := one(t, r)
		if got.Rule != RuleQuotaExceeded || got.Message != tc.message || got.Requested != tc.wanted || got.Allowed != tc.hard || got.Transient == tc.extreme {
			t.Errorf("%s: violation %+v", tc.reason, got)
		}
	}
}

func TestCompute_QuotaCountChangesNoPod(t *testing.T) {
	const more = "9223372036854775806500m" // of thousandths than an int64 holds
	template := with(app(stating(nil, nil)), func(s *corev1.PodSpec) {
		s.Resources, s.RuntimeClassName = new(stating(amounts("cpu", more), nil)), new("heavy")
	})
	r := Compute(template, namespace(heavyClass, quota("team", amounts("cpu", "1"), amounts("cpu", "0"))))
	if got := written(r.Pod.Spec.Resources.Requests); got != "cpu="+more {
		t.Errorf("requests %s", got)
	}
}
