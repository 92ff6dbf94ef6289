package health

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// newReplicaSet is the one whose template is the Deployment's; of several the oldest, as the deployment
// controller has it (k8s.io/kubernetes/pkg/controller/deployment/util/deployment_util.go, FindNewReplicaSet).
func newReplicaSet(d *appsv1.Deployment, sets []*appsv1.ReplicaSet) *appsv1.ReplicaSet {
	var found *appsv1.ReplicaSet
	for _, set := range sets {
		if !metav1.IsControlledBy(set, d) || !sameTemplate(&set.Spec.Template, &d.Spec.Template) {
			continue
		}
		if found == nil || set.CreationTimestamp.Before(&found.CreationTimestamp) {
			found = set
		}
	}
	return found
}

func sameTemplate(set, deployment *corev1.PodTemplateSpec) bool {
	template := *set
	template.Labels = make(map[string]string, len(set.Labels))
	for key, value := range set.Labels {
		if key != appsv1.DefaultDeploymentUniqueLabelKey {
			template.Labels[key] = value
		}
	}
	return apiequality.Semantic.DeepEqual(&template, deployment)
}

// podsOf are a ReplicaSet's pods that tell something about it: one that is being deleted, was evicted or
// preempted, or is gone with its node, does not.
func podsOf(set *appsv1.ReplicaSet, pods []*corev1.Pod) []*corev1.Pod {
	var own []*corev1.Pod
	for _, pod := range pods {
		if metav1.IsControlledBy(pod, set) && pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodFailed &&
			!conditionTrue(pod, corev1.DisruptionTarget) {
			own = append(own, pod)
		}
	}
	return own
}

func conditionTrue(pod *corev1.Pod, kind corev1.PodConditionType) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == kind {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// startedAfter says whether all containers of a pod started at or after a time.
func startedAfter(pod *corev1.Pod, since time.Time) bool {
	for _, s := range pod.Status.ContainerStatuses {
		if s.State.Running == nil || s.State.Running.StartedAt.Time.Before(since.Truncate(time.Second)) {
			return since.IsZero()
		}
	}
	return true
}

// readySince is since when a pod has been ready, zero where it is not.
func readySince(pod *corev1.Pod) time.Time {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			return condition.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

func progress(have, want int32, what string) string {
	return fmt.Sprintf("%d of %d pods are %s", have, want, what)
}
