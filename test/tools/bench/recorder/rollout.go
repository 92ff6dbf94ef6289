package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// rollOut makes what the controllers and the kubelet would make of the latest versions of a
// workload: a ReplicaSet of each, and a running pod of the newest.
func (st *stage) rollOut(ctx context.Context, d *appsv1.Deployment, s sizes) error {
	for n := max(1, s.revisions-s.replicaSets+1); n <= s.revisions; n++ {
		set := replicaSet(d, n, n == s.revisions)
		if err := st.Deployer.Create(ctx, set); err != nil {
			return fmt.Errorf("making a ReplicaSet: %w", err)
		}
		if n < s.revisions {
			continue
		}
		pod := podOf(set)
		if err := st.Deployer.Create(ctx, pod); err != nil {
			return fmt.Errorf("making a pod: %w", err)
		}
		pod.Status = running(pod)
		if err := st.Deployer.Status().Update(ctx, pod); err != nil {
			return fmt.Errorf("making a pod run: %w", err)
		}
	}
	return nil
}

// replicaSet is that of a version of the workload, as the deployment controller makes it
// (k8s.io/kubernetes/pkg/controller/deployment/sync.go).
func replicaSet(d *appsv1.Deployment, version int, live bool) *appsv1.ReplicaSet {
	hash := fmt.Sprintf("5d8c7b%04d", version)
	template := d.Spec.Template.DeepCopy()
	template.Labels["pod-template-hash"] = hash
	selector := d.Spec.Selector.DeepCopy()
	selector.MatchLabels["pod-template-hash"] = hash
	replicas := int32(0)
	if live {
		replicas = 1
	}
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: d.Namespace, Name: d.Name + "-" + hash, Labels: template.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("Deployment"))},
			Annotations: map[string]string{
				"deployment.kubernetes.io/desired-replicas": "1", "deployment.kubernetes.io/max-replicas": "2",
				"deployment.kubernetes.io/revision": fmt.Sprint(version), "k8s.score.dev/workload-name": d.Name,
			},
		},
		Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: selector, Template: *template},
	}
}

func podOf(set *appsv1.ReplicaSet) *corev1.Pod {
	template := set.Spec.Template
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: set.Namespace, Name: set.Name + "-x7k2p", Labels: template.Labels, Annotations: template.Annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))},
		},
		Spec: *template.Spec.DeepCopy(),
	}
	pod.Spec.NodeName = "node-1"
	return pod
}

// running is the status that a kubelet writes of a pod whose containers all run.
func running(pod *corev1.Pod) corev1.PodStatus {
	now := metav1.Now()
	status := corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &now, PodIP: "10.244.0.5", HostIP: "10.0.0.1"}
	for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	for _, c := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, Ready: true, Started: new(true),
			ImageID:     c.Image + "@sha256:6f2b0e6fd4a8d8b1f0fd3a0b6f1c8e9d7c6b5a4938271605f4e3d2c1b0a99887",
			ContainerID: "containerd://6f2b0e6fd4a8d8b1f0fd3a0b6f1c8e9d7c6b5a4938271605f4e3d2c1b0a99887",
			State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
	return status
}
