package guard

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

func TestNeverWell(t *testing.T) {
	template := func(image string) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "a"}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}},
		}
	}
	set := func(image string) *appsv1.ReplicaSet {
		s := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{UID: types.UID(image)}, Spec: appsv1.ReplicaSetSpec{Template: template(image)}}
		s.Spec.Template.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = image
		return s
	}
	of := func(image string, phase v1alpha1.Phase) v1alpha1.WorkloadRevision {
		made := template(image)
		return v1alpha1.WorkloadRevision{Spec: v1alpha1.WorkloadRevisionSpec{TemplateHash: workload.TemplateHash(&made)}, Status: v1alpha1.WorkloadRevisionStatus{Phase: phase}}
	}
	h := history.History{
		of("healthy", v1alpha1.PhaseHealthy), of("failed", v1alpha1.PhaseFailed), of("adopted", v1alpha1.PhaseUnknown),
		of("again", v1alpha1.PhaseRolledBack), of("again", v1alpha1.PhaseHealthy),
	}
	got := neverWell(h, []*appsv1.ReplicaSet{set("healthy"), set("failed"), set("adopted"), set("again"), set("unrecorded")})
	if want := []types.UID{"failed"}; !slices.Equal(got, want) {
		t.Errorf("never well are %v, want %v", got, want)
	}
}
