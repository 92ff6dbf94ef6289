package effective

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fullQuota returns a quota that rejects every pod in its scope.
func fullQuota(scopes ...corev1.ResourceQuotaScope) func(*Namespace) {
	return quota("full", amounts("pods", "1"), amounts("pods", "1"), scopes...)
}

func TestCompute_QuotaScopes(t *testing.T) {
	elsewhere := corev1.PodAffinityTerm{NamespaceSelector: &metav1.LabelSelector{}}
	for _, tc := range []struct {
		reason string
		scopes []corev1.ResourceQuotaScope
		change func(*corev1.PodSpec)
		want   bool
	}{
		{"no scope", nil, func(*corev1.PodSpec) {}, true},
		{"best effort: nothing stated", []corev1.ResourceQuotaScope{"BestEffort"}, func(s *corev1.PodSpec) { s.Containers[0].Resources = stating(nil, nil) }, true},
		{"best effort: zero is nothing", []corev1.ResourceQuotaScope{"BestEffort"}, func(s *corev1.PodSpec) { s.Containers[0].Resources = stating(amounts("cpu", "0"), nil) }, true},
		{"not best effort: cpu stated", []corev1.ResourceQuotaScope{"BestEffort"}, func(*corev1.PodSpec) {}, false},
		{"not best effort: pod-level memory", []corev1.ResourceQuotaScope{"NotBestEffort"}, func(s *corev1.PodSpec) {
			s.Containers[0].Resources, s.Resources = stating(nil, nil), new(stating(amounts("memory", "1Gi"), nil))
		}, true},
		{"terminating", []corev1.ResourceQuotaScope{"Terminating"}, func(s *corev1.PodSpec) { s.ActiveDeadlineSeconds = new(int64(60)) }, true},
		{"a Deployment's pods do not terminate", []corev1.ResourceQuotaScope{"Terminating"}, func(*corev1.PodSpec) {}, false},
		{"both scopes must match", []corev1.ResourceQuotaScope{"NotTerminating", "BestEffort"}, func(*corev1.PodSpec) {}, false},
		{"affinity across namespaces", []corev1.ResourceQuotaScope{"CrossNamespacePodAffinity"}, func(s *corev1.PodSpec) {
			s.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{PodAffinityTerm: elsewhere}}}}
		}, true},
		{"affinity to a named namespace", []corev1.ResourceQuotaScope{"CrossNamespacePodAffinity"}, func(s *corev1.PodSpec) {
			s.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{Namespaces: []string{"db"}}}}}
		}, true},
		{"affinity within the namespace", []corev1.ResourceQuotaScope{"CrossNamespacePodAffinity"}, func(s *corev1.PodSpec) {
			s.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: "zone"}}}}
		}, false},
		{"no affinity", []corev1.ResourceQuotaScope{"CrossNamespacePodAffinity"}, func(*corev1.PodSpec) {}, false},
		{"a priority class of any name", []corev1.ResourceQuotaScope{"PriorityClass"}, func(s *corev1.PodSpec) { s.PriorityClassName = "high" }, true},
		{"no priority class", []corev1.ResourceQuotaScope{"PriorityClass"}, func(*corev1.PodSpec) {}, false},
	} {
		r := Compute(with(app(stating(amounts("cpu", "1"), nil)), tc.change), namespace(priorityClass("high", 9, false), fullQuota(tc.scopes...)))
		if got := len(r.Violations) > 0; got != tc.want {
			t.Errorf("%s: applies %v, want %v (%v)", tc.reason, got, tc.want, r.Violations)
		}
	}
}

func TestCompute_QuotaScopeSelectorOfPriorityClass(t *testing.T) {
	for _, tc := range []struct {
		operator corev1.ScopeSelectorOperator
		values   []string
		class    string
		want     bool
	}{
		{corev1.ScopeSelectorOpIn, []string{"high"}, "high", true},
		{corev1.ScopeSelectorOpIn, []string{"high"}, "", false},
		{corev1.ScopeSelectorOpNotIn, []string{"high"}, "high", false},
		{corev1.ScopeSelectorOpNotIn, []string{"high"}, "", true},
		{corev1.ScopeSelectorOpExists, nil, "high", true},
		{corev1.ScopeSelectorOpDoesNotExist, nil, "", true},
		{corev1.ScopeSelectorOpDoesNotExist, nil, "high", false},
	} {
		ns := namespace(priorityClass("high", 9, false), fullQuota())
		ns.ResourceQuotas[0].Spec.ScopeSelector = &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{
			{ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: tc.operator, Values: tc.values}}}
		r := Compute(with(app(stating(nil, nil)), func(s *corev1.PodSpec) { s.PriorityClassName = tc.class }), ns)
		if got := len(r.Violations) > 0; got != tc.want {
			t.Errorf("%s %v of %q: applies %v", tc.operator, tc.values, tc.class, got)
		}
	}
}

func TestCompute_QuotaForUnknownPriorityClasses(t *testing.T) {
	r := Compute(app(stating(nil, nil)), namespace(fullQuota("PriorityClass"), unknown(KindPriorityClass)))
	if len(r.Unknown) != 1 || r.Unknown[0].Kind != KindPriorityClass {
		t.Errorf("cannot tell %v", r.Unknown)
	}
}
