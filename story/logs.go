package story

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/workload"
)

// PodsOf returns the pods that run a revision's pod template. Revisions with the same template
// share them.
func PodsOf(r *v1alpha1.WorkloadRevision, sets []appsv1.ReplicaSet, pods []corev1.Pod) []corev1.Pod {
	own := map[types.UID]bool{}
	for _, set := range sets {
		own[set.UID] = workload.ReplicaSetHash(&set) == r.Spec.TemplateHash
	}
	var found []corev1.Pod
	for _, pod := range pods {
		if owner := metav1.GetControllerOf(&pod); owner != nil && own[owner.UID] {
			found = append(found, pod)
		}
	}
	return found
}

// Wants reports whether the Deployment has a revision's pod template, so that there are pods or
// will be.
func (w Workload) Wants(r *v1alpha1.WorkloadRevision) bool {
	return w.Deployment != nil && workload.TemplateHash(&w.Deployment.Spec.Template) == r.Spec.TemplateHash
}

// SavedOf returns the names of the containers whose logs were saved, each once.
func SavedOf(r *v1alpha1.WorkloadRevision) []string {
	var names []string
	for _, e := range r.SavedEvidence() {
		if e.ContainerName != "" && !slices.Contains(names, e.ContainerName) {
			names = append(names, e.ContainerName)
		}
	}
	return names
}

// SavedLogs returns the last lines that were saved of a revision's failing containers, or of one of
// them. Each line begins with its pod and container. Without previous, it is the log that LogOf
// chooses.
func SavedLogs(r *v1alpha1.WorkloadRevision, container string, previous bool) []string {
	var lines []string
	for _, e := range r.SavedEvidence() {
		if container != "" && e.ContainerName != container {
			continue
		}
		log := LogOf(e)
		if previous {
			log = e.PreviousLog
		}
		for _, line := range log {
			lines = append(lines, fmt.Sprintf("[pod/%s/%s] %s", e.PodName, e.ContainerName, mask.Text(line)))
		}
	}
	return lines
}
