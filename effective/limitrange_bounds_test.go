package effective

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestCompute_LimitRangeBoundsOfContainers(t *testing.T) {
	minimum := corev1.LimitRangeItem{Min: amounts("cpu", "100m")}
	maximum := corev1.LimitRangeItem{Max: amounts("cpu", "2")}
	ratio := corev1.LimitRangeItem{MaxLimitRequestRatio: amounts("cpu", "1500m")}
	for _, tc := range []struct {
		reason string
		item   corev1.LimitRangeItem
		in     corev1.ResourceRequirements
		want   []string
	}{
		{"the minimum itself is enough", minimum, stating(amounts("cpu", "0.1"), nil), nil},
		{"a request below the minimum", minimum, stating(amounts("cpu", "99m"), amounts("cpu", "1")), []string{"limit-range-min spec.containers[0].resources.requests"}},
		{"the minimum is also the default request", minimum, stating(nil, nil), nil},
		{"the maximum itself is allowed", maximum, stating(nil, amounts("cpu", "2000m")), nil},
		{"a limit above the maximum", maximum, stating(nil, amounts("cpu", "2001m")), []string{"limit-range-max spec.containers[0].resources.limits"}},
		{"the maximum is also the default limit", maximum, stating(amounts("cpu", "1"), nil), nil},
		{"limit/request just within the ratio", ratio, stating(amounts("cpu", "2"), amounts("cpu", "3")), nil},
		{"limit/request above the ratio", ratio, stating(amounts("cpu", "1"), amounts("cpu", "2")), []string{"limit-range-ratio spec.containers[0].resources.limits"}},
		{"a ratio demands a request", ratio, stating(nil, nil), []string{"limit-range-ratio spec.containers[0].resources.requests"}},
		{"a ratio demands a limit", ratio, stating(amounts("cpu", "1"), nil), []string{"limit-range-ratio spec.containers[0].resources.limits"}},
		{"a ratio of nothing is rejected", ratio, stating(amounts("cpu", "0"), amounts("cpu", "1")), []string{"limit-range-ratio spec.containers[0].resources.requests"}},
	} {
		tc.item.Type = corev1.LimitTypeContainer
		r := Compute(app(tc.in), namespace(limitRange("bounds", tc.item)))
		if got := violated(r); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.reason, got, tc.want)
		}
	}
}

func TestCompute_LimitRangeBoundsOfPods(t *testing.T) {
	each := stating(amounts("cpu", "1"), amounts("cpu", "1"))
	for _, tc := range []struct {
		reason string
		change func(*corev1.PodSpec)
		max    string
		want   []string
	}{
		{"two containers", func(s *corev1.PodSpec) {
			s.Containers = append(s.Containers, corev1.Container{Name: "b", Resources: each})
		}, "1500m",
			[]string{"limit-range-max spec.resources.limits"}},
		{"an init container runs before the others", func(s *corev1.PodSpec) { s.InitContainers = []corev1.Container{{Name: "i", Resources: each}} }, "1", nil},
		{"a sidecar runs beside them", func(s *corev1.PodSpec) { s.InitContainers = []corev1.Container{sidecar("s", each)} }, "1",
			[]string{"limit-range-max spec.resources.limits"}},
		{"overhead does not count", func(s *corev1.PodSpec) { s.RuntimeClassName = new("heavy") }, "1", nil},
		{"pod-level resources count instead", func(s *corev1.PodSpec) { s.Resources = new(stating(nil, amounts("cpu", "4"))) }, "2",
			[]string{"limit-range-max spec.resources.limits"}},
		{"a pod without any limit exceeds any maximum", func(s *corev1.PodSpec) { s.Containers[0].Resources = stating(nil, nil) }, "9",
			[]string{"limit-range-max spec.resources.limits"}},
	} {
		ns := namespace(heavyClass, limitRange("pods", corev1.LimitRangeItem{Type: corev1.LimitTypePod, Max: amounts("cpu", tc.max)}))
		if got := violated(Compute(with(app(each), tc.change), ns)); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.reason, got, tc.want)
		}
	}
}

func TestCompute_LimitRangeForPodsIgnoresPodLevelHugePages(t *testing.T) {
	template := with(app(stating(nil, amounts("cpu", "1", "hugepages-2Mi", "2Mi"))), func(s *corev1.PodSpec) {
		s.Resources = new(stating(nil, amounts("cpu", "1", "hugepages-2Mi", "4Mi")))
	})
	ns := namespace(limitRange("pods", corev1.LimitRangeItem{Type: corev1.LimitTypePod, Max: amounts("hugepages-2Mi", "2Mi")}))
	if r := Compute(template, ns); len(r.Violations) != 0 {
		t.Errorf("violations %v", r.Violations)
	}
}

func TestCompute_LargeBoundsAreComparedInWholeUnits(t *testing.T) {
	ns := namespace(limitRange("huge", corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Max: amounts("memory", "4Ei")}))
	for amount, want := range map[string]int{"4Ei": 0, "4611686018427387905": 1} {
		if got := Compute(app(stating(nil, amounts("memory", amount))), ns).Violations; len(got) != want {
			t.Errorf("limit %s: %v", amount, got)
		}
	}
}

func TestCompute_LimitRangeBoundMessage(t *testing.T) {
	ns := namespace(limitRange("bounds", corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Max: amounts("memory", "1Gi")}))
	got := one(t, Compute(app(stating(nil, amounts("memory", "2048Mi"))), ns))
	if want := "LimitRange bounds: the maximum of memory is 1Gi, but container app has a limit of 2Gi"; got.Message != want {
		t.Errorf("message %q, want %q", got.Message, want)
	}
	if got.Cause != (Cause{Kind: KindLimitRange, Name: "bounds"}) || got.Fix != "set a memory limit of at most 1Gi" || !got.Exact {
		t.Errorf("violation %+v", got)
	}
}
