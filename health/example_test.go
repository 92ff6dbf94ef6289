package health_test

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/health"
)

// ExampleAssess assesses a rollout whose only pod crashes.
func ExampleAssess() {
	accepted := time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "cart", UID: "deployment", Generation: 1}}
	deployment.Spec.Replicas = new(int32(1))
	deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "cart:2"}}
	deployment.Status.ObservedGeneration = 1
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "cart-1", UID: "set", OwnerReferences: ownedBy("Deployment", deployment.UID)}}
	set.Spec.Template = deployment.Spec.Template
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "cart-1-abcde", UID: "pod", OwnerReferences: ownedBy("ReplicaSet", set.UID)}}
	pod.Spec = set.Spec.Template.Spec
	end := &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", FinishedAt: metav1.NewTime(accepted.Add(50 * time.Second))}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "main", RestartCount: 3, LastTerminationState: corev1.ContainerState{Terminated: end},
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
	}}
	verdict := health.Assess(health.Rollout{
		Deployment: deployment, ReplicaSets: []*appsv1.ReplicaSet{set}, Pods: []*corev1.Pod{pod}, AcceptedAt: accepted, BakeTime: time.Minute,
	}, accepted.Add(time.Minute))
	fmt.Println(verdict.State)
	fmt.Println(verdict.Cause)
	// Output:
	// Failed
	// container main exits 1 (3 restarts)
}

func ownedBy(kind string, owner types.UID) []metav1.OwnerReference {
	return []metav1.OwnerReference{{Kind: kind, UID: owner, Controller: new(true)}}
}
