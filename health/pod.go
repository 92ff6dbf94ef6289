package health

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ofPod returns a pod's signals. Those of its init containers come first, since its containers
// start after them.
func (r Rollout) ofPod(pod *corev1.Pod, old controlGroup) signals {
	if s, found := unscheduledPod(pod); found {
		return signals{s}
	}
	template := r.templateOf(pod)
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		var found signals
		for _, status := range statuses {
			if s, fails := startFailure(pod, status); fails {
				found = append(found, s)
			} else if s, fails := r.crash(pod, status, old.clean); fails {
				found = append(found, s)
			} else if s, fails := r.notReady(pod, status, containerOf(template, status.Name), old.slowest); fails {
				found = append(found, s)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// templateOf returns the template from which a pod was made, which has the probes.
func (r Rollout) templateOf(pod *corev1.Pod) *corev1.PodSpec {
	at := slices.IndexFunc(r.ReplicaSets, func(set *appsv1.ReplicaSet) bool { return metav1.IsControlledBy(pod, set) })
	if at < 0 {
		return &corev1.PodSpec{}
	}
	return &r.ReplicaSets[at].Spec.Template.Spec
}

func containerOf(spec *corev1.PodSpec, name string) *corev1.Container {
	for _, list := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}
