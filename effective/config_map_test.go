package effective

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

func TestCompute_MissingConfigMap(t *testing.T) {
	named := corev1.LocalObjectReference{Name: "files"}
	volume := func(source corev1.VolumeSource) func(*corev1.PodSpec) {
		return func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{{Name: "v", VolumeSource: source}} }
	}
	for _, tc := range []struct {
		reason string
		change func(*corev1.PodSpec)
		field  string
	}{
		{"no reference", func(*corev1.PodSpec) {}, ""},
		{"a volume", volume(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named}}), "spec.volumes[0]"},
		{"an optional volume", volume(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named, Optional: new(true)}}), ""},
		{"a projected volume", volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: named}}}}}), "spec.volumes[0]"},
		{"the whole environment", func(s *corev1.PodSpec) {
			s.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: named}}}
		}, "spec.containers[0]"},
		{"one variable", func(s *corev1.PodSpec) {
			s.Containers[0].Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: named}}}}
		}, "spec.containers[0]"},
	} {
		template := with(app(stating(nil, nil)), tc.change)
		if r := Compute(template, namespace(func(ns *Namespace) { ns.ConfigMaps = sets.New("files") })); len(r.Violations) != 0 {
			t.Errorf("%s: the ConfigMap exists, yet %v", tc.reason, r.Violations)
		}
		r := Compute(template, namespace())
		if tc.field == "" {
			if len(r.Violations) != 0 {
				t.Errorf("%s: %v", tc.reason, r.Violations)
			}
			continue
		}
		if got := one(t, r); got.Rule != RuleConfigMap || got.Field != tc.field || got.Exact || !got.Transient {
			t.Errorf("%s: violation %+v", tc.reason, got)
		}
		if r := Compute(template, namespace(unknown(KindConfigMap))); len(r.Unknown) != 1 || len(r.Violations) != 0 {
			t.Errorf("%s: unknown ConfigMaps: %v, %v", tc.reason, r.Unknown, r.Violations)
		}
	}
}
