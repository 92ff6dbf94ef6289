package effective

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestCompute_PodSecurityLevel(t *testing.T) {
	privileged := with(app(stating(nil, nil)), func(s *corev1.PodSpec) {
		s.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: new(true)}
	})
	for _, tc := range []struct {
		reason string
		labels map[string]string
		want   int
	}{
		{"no label", nil, 0},
		{"privileged", map[string]string{"pod-security.kubernetes.io/enforce": "privileged"}, 0},
		{"baseline", map[string]string{"pod-security.kubernetes.io/enforce": "baseline"}, 1},
		{"warnings reject nothing", map[string]string{"pod-security.kubernetes.io/warn": "baseline"}, 0},
		{"restricted demands four things more", map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}, 5},
		{"restricted as it was in 1.20 demands three", map[string]string{"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "v1.20"}, 4},
		{"a level that does not exist counts as restricted", map[string]string{"pod-security.kubernetes.io/enforce": "strict"}, 5},
	} {
		r := Compute(privileged, namespace(func(ns *Namespace) { ns.Labels = tc.labels }))
		if len(r.Violations) != tc.want {
			t.Errorf("%s: %d violations, want %d: %v", tc.reason, len(r.Violations), tc.want, r.Violations)
		}
		for _, o := range r.Violations {
			if o.Cause.Name != "shop" || !strings.HasPrefix(o.Message, "Namespace shop enforces PodSecurity ") {
				t.Errorf("%s: violation %+v", tc.reason, o)
			}
		}
	}
}

func TestCompute_UnknownNamespaceLabels(t *testing.T) {
	if r := Compute(app(stating(nil, nil)), namespace(unknown(KindNamespace))); len(r.Unknown) != 1 {
		t.Errorf("cannot tell %v", r.Unknown)
	}
}
