package effective

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestCompute_LimitRangeDefaults(t *testing.T) {
	item := corev1.LimitRangeItem{Type: corev1.LimitTypeContainer}
	for _, tc := range []struct {
		reason           string
		item             corev1.LimitRangeItem
		in               corev1.ResourceRequirements
		requests, limits string
	}{
		{"both defaults", corev1.LimitRangeItem{Default: amounts("cpu", "1"), DefaultRequest: amounts("cpu", "500m")}, stating(nil, nil), "cpu=500m", "cpu=1"},
		{"a default limit is the default request", corev1.LimitRangeItem{Default: amounts("cpu", "1")}, stating(nil, nil), "cpu=1", "cpu=1"},
		{"a maximum is the default limit", corev1.LimitRangeItem{Max: amounts("cpu", "2")}, stating(nil, nil), "cpu=2", "cpu=2"},
		{"a minimum is the default request", corev1.LimitRangeItem{Min: amounts("cpu", "100m")}, stating(nil, nil), "cpu=100m", ""},
		{"a default wins over a bound", corev1.LimitRangeItem{Max: amounts("cpu", "4"), Min: amounts("cpu", "1"), Default: amounts("cpu", "2")}, stating(nil, nil), "cpu=2", "cpu=2"},
		{"stated limits are copied to requests before", corev1.LimitRangeItem{DefaultRequest: amounts("cpu", "100m")}, stating(nil, amounts("cpu", "3")), "cpu=3", "cpu=3"},
		{"stated values stay, zero too", corev1.LimitRangeItem{Default: amounts("cpu", "1")}, stating(amounts("cpu", "0"), amounts("cpu", "0")), "cpu=0", "cpu=0"},
	} {
		tc.item.Type = item.Type
		got := Compute(app(tc.in), namespace(limitRange("defaults", tc.item))).Pod.Spec.Containers[0].Resources
		if written(got.Requests) != tc.requests || written(got.Limits) != tc.limits {
			t.Errorf("%s: requests %q limits %q, want %q and %q", tc.reason, written(got.Requests), written(got.Limits), tc.requests, tc.limits)
		}
	}
}

func TestCompute_LimitRangeDefaultsOfInitContainers(t *testing.T) {
	template := with(app(stating(nil, nil)), func(s *corev1.PodSpec) {
		s.InitContainers = []corev1.Container{{Name: "migrate"}, sidecar("proxy", stating(nil, nil))}
	})
	r := Compute(template, namespace(limitRange("defaults", corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Default: amounts("cpu", "1")})))
	for i, c := range r.Pod.Spec.InitContainers {
		if written(c.Resources.Limits) != "cpu=1" {
			t.Errorf("init container %d has the limits %s", i, written(c.Resources.Limits))
		}
	}
	if r.DefaultedFrom["spec.initContainers[1].resources.requests[cpu]"].Name != "defaults" {
		t.Errorf("supplied: %v", r.DefaultedFrom)
	}
}

func TestCompute_DisagreeingLimitRangesAreUnknown(t *testing.T) {
	item := func(cpu string) corev1.LimitRangeItem {
		return corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Default: amounts("cpu", cpu)}
	}
	for _, tc := range []struct {
		reason        string
		in            corev1.ResourceRequirements
		second        string
		open          bool
		exactOverruns bool
	}{
		{"different amounts for what the template lacks", stating(amounts("cpu", "3"), nil), "2", true, false},
		{"one amount in two forms is no disagreement", stating(amounts("cpu", "3"), nil), "1000m", false, true},
		{"what the template states is not supplied", stating(amounts("cpu", "3"), amounts("cpu", "2")), "2", false, true},
	} {
		r := Compute(app(tc.in), namespace(limitRange("b", item(tc.second)), limitRange("a", item("1"))))
		if open := len(r.Unknown) > 0; open != tc.open {
			t.Errorf("%s: cannot tell %v", tc.reason, r.Unknown)
		}
		if tc.open && !strings.Contains(r.Unknown[0].Reason, "LimitRanges a and b") {
			t.Errorf("%s: %s", tc.reason, r.Unknown[0].Reason)
		}
		if exact := r.Violations[0].Exact; exact != tc.exactOverruns {
			t.Errorf("%s: exact %v", tc.reason, exact)
		}
	}
}

func TestCompute_SumOfDisagreeingLimitRangesIsNotExact(t *testing.T) {
	item := func(cpu string) corev1.LimitRangeItem {
		return corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, DefaultRequest: amounts("cpu", cpu)}
	}
	template := with(app(stating(nil, nil)), func(s *corev1.PodSpec) { s.Resources = new(stating(nil, amounts("cpu", "1"))) })
	got := one(t, Compute(template, namespace(limitRange("a", item("3")), limitRange("b", item("500m")))))
	if got.Rule != RuleRequestOverLimit || got.Field != "spec.resources.requests" || got.Exact {
		t.Errorf("violation %+v", got)
	}
}

func TestCompute_UnknownLimitRangesLeaveTheTemplateExact(t *testing.T) {
	r := Compute(app(stating(amounts("cpu", "3"), amounts("cpu", "2"))), namespace(unknown(KindLimitRange),
		quota("team", amounts("limits.memory", "1Gi"), amounts("limits.memory", "0"))))
	exact := map[Rule]bool{}
	for _, o := range r.Violations {
		exact[o.Rule] = o.Exact
	}
	if !exact[RuleRequestOverLimit] || exact[RuleQuotaDemand] {
		t.Errorf("exact: %v", exact)
	}
	if len(r.Unknown) != 1 || r.Unknown[0] != (Unknown{Kind: KindLimitRange, Reason: "the cache is stale"}) {
		t.Errorf("cannot tell: %v", r.Unknown)
	}
}
