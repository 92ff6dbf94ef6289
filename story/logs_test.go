package story

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

func TestPodsOf(t *testing.T) {
	template := func(image string) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "a"}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}},
		}
	}
	set := func(uid types.UID, image string) appsv1.ReplicaSet {
		s := appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{UID: uid}, Spec: appsv1.ReplicaSetSpec{Template: template(image)}}
		s.Spec.Template.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = string(uid) // The deployment controller's own.
		return s
	}
	pod := func(name string, owner types.UID) corev1.Pod {
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: []metav1.OwnerReference{{UID: owner, Controller: new(true)}}}}
	}
	r := revision(1, v1alpha1.PhaseHealthy, time.Minute)
	old := template("x:1")
	r.Spec.TemplateHash = workload.TemplateHash(&old)
	sets := []appsv1.ReplicaSet{set("old", "x:1"), set("new", "x:2")}
	pods := []corev1.Pod{pod("a", "old"), pod("b", "new"), pod("c", "old"), {ObjectMeta: metav1.ObjectMeta{Name: "nobody's"}}}
	var names []string
	for _, p := range PodsOf(&r, sets, pods) {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"a", "c"}, names); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if left := sets[0].Spec.Template.Labels[appsv1.DefaultDeploymentUniqueLabelKey]; left == "" {
		t.Error("the ReplicaSet was changed")
	}
}

func TestSavedLogs(t *testing.T) {
	r := revision(2, v1alpha1.PhaseRolledBack, time.Minute, crashed(1))
	r.Status.Failure.Evidence[1].PreviousLog = nil
	r.Status.Failure.Evidence[1].ContainerName = "sidecar"
	for name, tt := range map[string]struct {
		container string
		previous  bool
		want      []string
	}{
		"All": {"", false, []string{
			"[pod/sample-app-5d4f7c9b8-abcde/frontend] starting frontend", "[pod/sample-app-5d4f7c9b8-abcde/frontend] boom",
			"[pod/sample-app-5d4f7c9b8-fghij/sidecar] starting frontend",
		}},
		"One":      {"sidecar", false, []string{"[pod/sample-app-5d4f7c9b8-fghij/sidecar] starting frontend"}},
		"Previous": {"sidecar", true, nil},
		"None":     {"other", false, nil},
	} {
		if diff := cmp.Diff(tt.want, SavedLogs(&r, tt.container, tt.previous)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}
