package main

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/workload"
)

// What the cache keeps of each kind: it holds every object of the cluster, so that a field which nothing reads costs
// thousands of times. What a rollback writes is read from the API server.

// trimDeployment leaves of a Deployment that is no workload only what could make it one, and of a workload all that is
// judged: not kubectl's memory of its manifest, which is as large as the rest and part of no hash.
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

// trimPod drops from a Pod what no judgement reads: a cache holds every Pod of the cluster.
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

// trimNode leaves of a Node only whether it is ready.
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

// trimReplicaSet leaves of a ReplicaSet's template what judges its pods, and of one without pods only what it is and
// whose: a workload keeps ten of those (revisionHistoryLimit), and only one that a rollout has scaled up is ever judged.
// It becomes another type, a quarter as large: the cache cannot be asked for it, but its owner hears of its changes.
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
