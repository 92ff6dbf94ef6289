package workload_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/workload"
)

// madeOf returns a ReplicaSet as the deployment controller makes it of a template.
func madeOf(template *corev1.PodTemplateSpec) *appsv1.ReplicaSet {
	set := &appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Template: *template.DeepCopy()}}
	set.Spec.Template.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = "5d8c"
	return set
}

func slimmed(set *appsv1.ReplicaSet) *appsv1.ReplicaSet {
	set = set.DeepCopy()
	workload.Trim(set)
	return set
}

func podTemplate() *corev1.PodTemplateSpec {
	return &corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{"app": "shop"},
			Annotations: map[string]string{"kubectl.kubernetes.io/restartedAt": "2026-11-25T10:00:00Z"},
		},
		Spec: corev1.PodSpec{
			InitContainers: []corev1.Container{{Name: "prepare", Image: "prepare:1"}},
			Containers: []corev1.Container{{
				Name: "main", Image: "shop:1", Env: []corev1.EnvVar{{Name: "A", Value: "1"}},
				Resources:      corev1.ResourceRequirements{Limits: corev1.ResourceList{"cpu": resource.MustParse("1")}},
				ReadinessProbe: &corev1.Probe{PeriodSeconds: 5}, StartupProbe: &corev1.Probe{PeriodSeconds: 7},
			}},
		},
	}
}

func TestMatchesTemplate_OriginalAndTrimmed(t *testing.T) {
	for name, test := range map[string]struct {
		reason             string
		change             func(*corev1.PodTemplateSpec)
		madeFrom, sameHash bool
	}{
		"equal":         {"nothing differs", func(*corev1.PodTemplateSpec) {}, true, true},
		"an image":      {"other pods", func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Image = "shop:2" }, false, false},
		"a variable":    {"other pods", func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Env[0].Value = "2" }, false, false},
		"a label":       {"other pods", func(p *corev1.PodTemplateSpec) { p.Labels["tier"] = "web" }, false, false},
		"a restart":     {"new pods of the same kind", func(p *corev1.PodTemplateSpec) { p.Annotations["kubectl.kubernetes.io/restartedAt"] = "later" }, false, true},
		"an empty list": {"the API server stores none", func(p *corev1.PodTemplateSpec) { p.Spec.Volumes = []corev1.Volume{} }, true, true},
		"an equal measure": {"quantities compare by value", func(p *corev1.PodTemplateSpec) {
			p.Spec.Containers[0].Resources.Limits["cpu"] = resource.MustParse("1000m")
		}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			set, template := madeOf(podTemplate()), podTemplate()
			test.change(template)
			for form, set := range map[string]*appsv1.ReplicaSet{"whole": set, "slim": slimmed(set), "slim twice over": slimmed(slimmed(set))} {
				if got := workload.MatchesTemplate(set, template); got != test.madeFrom {
					t.Errorf("%s, %s: made from it is %v", form, test.reason, got)
				}
				if got := workload.ReplicaSetHash(set) == workload.TemplateHash(template); got != test.sameHash {
					t.Errorf("%s, %s: the same hash is %v", form, test.reason, got)
				}
			}
		})
	}
}

func TestTrim_KeepsProbes(t *testing.T) {
	got := slimmed(madeOf(podTemplate())).Spec.Template.Spec
	want := corev1.PodSpec{
		InitContainers: []corev1.Container{{Name: "prepare"}},
		Containers:     []corev1.Container{{Name: "main", ReadinessProbe: &corev1.Probe{PeriodSeconds: 5}, StartupProbe: &corev1.Probe{PeriodSeconds: 7}}},
	}
	if difference := cmp.Diff(want, got); difference != "" {
		t.Errorf("(-want +got):\n%s", difference)
	}
}

func TestMatchesTemplate_ForgedDigest(t *testing.T) {
	forged := slimmed(madeOf(podTemplate()))
	forged.Spec.Template.Spec.Containers[0].Image = "other:1"
	if workload.MatchesTemplate(forged, podTemplate()) || workload.ReplicaSetHash(forged) == workload.TemplateHash(podTemplate()) {
		t.Error("a template with an image was taken by what its annotations say")
	}
	workload.Trim(forged)
	if workload.MatchesTemplate(forged, podTemplate()) {
		t.Error("the cache took over what the annotations say")
	}
}
