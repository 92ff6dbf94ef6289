package main

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/workload"
)

// The cache holds every object of the cluster, so these functions drop the fields that Reprise does
// not read. A rollback reads complete objects from the API server.

// trimDeployment keeps the metadata of a Deployment, and the spec and status of a workload. It
// drops kubectl's last-applied annotation, which is as large as the rest and part of no hash.
func trimDeployment(object any) (any, error) {
	d, ok := object.(*appsv1.Deployment)
	if !ok {
		return object, nil
	}
	d.ManagedFields = nil
	delete(d.Annotations, workload.LastApplied)
	if !workload.IsManaged(d) {
		d.Spec, d.Status = appsv1.DeploymentSpec{}, appsv1.DeploymentStatus{}
	}
	return d, nil
}

// trimPod keeps what package health reads of a Pod.
func trimPod(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	pod.ManagedFields, pod.Annotations = nil, nil
	slim := corev1.PodSpec{NodeName: pod.Spec.NodeName}
	for _, list := range []struct{ from, to *[]corev1.Container }{
		{&pod.Spec.InitContainers, &slim.InitContainers}, {&pod.Spec.Containers, &slim.Containers},
	} {
		for _, c := range *list.from {
			*list.to = append(*list.to, corev1.Container{Name: c.Name, Image: c.Image, RestartPolicy: c.RestartPolicy})
		}
	}
	pod.Spec = slim
	pod.Status.PodIPs, pod.Status.HostIPs = nil, nil
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			statuses[i].VolumeMounts, statuses[i].Resources, statuses[i].AllocatedResources = nil, nil, nil
		}
	}
	return pod, nil
}

// trimNode keeps the Ready condition of a Node.
func trimNode(object any) (any, error) {
	node, ok := object.(*corev1.Node)
	if !ok {
		return object, nil
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion},
		Status: corev1.NodeStatus{Conditions: slices.DeleteFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type != corev1.NodeReady
		})},
	}, nil
}

// trimReplicaSet keeps what package health reads of a ReplicaSet's template. Of a ReplicaSet
// without pods it keeps the metadata: a workload has ten of those (revisionHistoryLimit), and
// health reads only those that a rollout has scaled up. The result has another type, a quarter as
// large. A reader does not find it, but its owner is still notified of changes.
func trimReplicaSet(object any) (any, error) {
	set, ok := object.(*appsv1.ReplicaSet)
	if !ok {
		return object, nil
	}
	set.ManagedFields, set.Annotations = nil, nil
	if set.Spec.Replicas != nil && *set.Spec.Replicas == 0 && set.Status.Replicas == 0 {
		set.Labels = nil
		return &metav1.PartialObjectMetadata{ObjectMeta: set.ObjectMeta}, nil
	}
	workload.Trim(set)
	return set, nil
}
