package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

func TestTrimReplicaSet(t *testing.T) {
	owner := []metav1.OwnerReference{{Kind: "Deployment", Name: "app", UID: "1", Controller: new(true)}}
	stored := func(want *int32, have int32) *appsv1.ReplicaSet {
		return &appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{
				Name: "app-1", Namespace: "shop", UID: "2", ResourceVersion: "3", OwnerReferences: owner,
				Labels: map[string]string{"app": "app"}, Annotations: map[string]string{"a": "b"},
				ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kube-controller-manager"}},
			},
			Spec: appsv1.ReplicaSetSpec{
				Replicas: want, Selector: &metav1.LabelSelector{},
				Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}}},
			},
			Status: appsv1.ReplicaSetStatus{Replicas: have, ObservedGeneration: 1},
		}
	}
	slim := func(want *int32, have int32) *appsv1.ReplicaSet {
		set := stored(want, have)
		set.ManagedFields, set.Annotations = nil, nil
		workload.Trim(set)
		return set
	}
	idle := &metav1.PartialObjectMetadata{
		ObjectMeta: metav1.ObjectMeta{Name: "app-1", Namespace: "shop", UID: "2", ResourceVersion: "3", OwnerReferences: owner},
	}
	for name, test := range map[string]struct {
		reason string
		stored *appsv1.ReplicaSet
		want   any
	}{
		"idle":         {"neither wants pods nor has any: it is not judged", stored(new(int32(0)), 0), idle},
		"scaled up":    {"wants pods that could not be created: that is a failure to judge", stored(new(int32(1)), 0), slim(new(int32(1)), 0)},
		"scaling down": {"its pods still run: they are the control group", stored(new(int32(0)), 1), slim(new(int32(0)), 1)},
		"by default":   {"no number means one", stored(nil, 0), slim(nil, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := trimReplicaSet(test.stored)
			if err != nil {
				t.Fatal(err)
			}
			if difference := cmp.Diff(test.want, got); difference != "" {
				t.Errorf("%s (-want +got):\n%s", test.reason, difference)
			}
		})
	}
}

func TestTrimDeployment(t *testing.T) {
	stored := func(marker, guard string) *appsv1.Deployment {
		return &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{
				Name: "app", Annotations: map[string]string{workload.NameAnnotation: marker, workload.LastApplied: "{}"},
				Labels:        map[string]string{v1alpha1.GuardLabel: guard},
				ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
			},
			Spec:   appsv1.DeploymentSpec{Replicas: new(int32(3))},
			Status: appsv1.DeploymentStatus{Replicas: 3},
		}
	}
	for _, test := range []struct {
		reason, marker, guard string
		whole                 bool
	}{
		{"of Score", "app", "", true},
		{"opted in", "", workload.GuardEnabled, true},
		{"opted out of the guard, and judged by the policies all the same", "app", workload.GuardDisabled, true},
		{"none of ours", "", "", false},
	} {
		t.Run(test.reason, func(t *testing.T) {
			want := stored(test.marker, test.guard)
			want.ManagedFields = nil
			want.Annotations = map[string]string{workload.NameAnnotation: test.marker}
			if !test.whole {
				want.Spec, want.Status = appsv1.DeploymentSpec{}, appsv1.DeploymentStatus{}
			} else if workload.IntentOf(want).Hash() != workload.IntentOf(stored(test.marker, test.guard)).Hash() {
				t.Error("what is left out changes the intent's hash")
			}
			got, err := trimDeployment(stored(test.marker, test.guard))
			if err != nil {
				t.Fatal(err)
			}
			if difference := cmp.Diff(want, got); difference != "" {
				t.Errorf("(-want +got):\n%s", difference)
			}
		})
	}
}

func TestTrimPod(t *testing.T) {
	stored := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "app-1-x", Labels: map[string]string{"app": "app"}, Annotations: map[string]string{"a": "b"},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubelet"}},
		},
		Spec: corev1.PodSpec{
			NodeName: "node", ServiceAccountName: "app", Volumes: []corev1.Volume{{Name: "data"}},
			InitContainers: []corev1.Container{{Name: "proxy", Image: "proxy:1", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}},
			Containers:     []corev1.Container{{Name: "main", Image: "app:1", Env: []corev1.EnvVar{{Name: "A", Value: "b"}}}},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}}, HostIPs: []corev1.HostIP{{IP: "10.0.0.2"}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "main", RestartCount: 2, Resources: &corev1.ResourceRequirements{}, VolumeMounts: []corev1.VolumeMountStatus{{Name: "data"}}}},
		},
	}
	want := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "app-1-x", Labels: map[string]string{"app": "app"}},
		Spec: corev1.PodSpec{
			NodeName:       "node",
			InitContainers: []corev1.Container{{Name: "proxy", Image: "proxy:1", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}},
			Containers:     []corev1.Container{{Name: "main", Image: "app:1"}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{Name: "main", RestartCount: 2}}},
	}
	got, err := trimPod(stored)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestTrimNode(t *testing.T) {
	ready := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue}
	got, err := trimNode(&corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "node", UID: "1", ResourceVersion: "2", Labels: map[string]string{"a": "b"}},
		Status: corev1.NodeStatus{
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeMemoryPressure}, ready},
			Images:     []corev1.ContainerImage{{Names: []string{"app:1"}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "node", UID: "1", ResourceVersion: "2"},
		Status:     corev1.NodeStatus{Conditions: []corev1.NodeCondition{ready}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestTrimDeployment_AndOthersReturnATombstoneAsItIs(t *testing.T) {
	tombstone := cache.DeletedFinalStateUnknown{Key: "shop/app"}
	for name, trim := range map[string]func(any) (any, error){"Deployment": trimDeployment, "Pod": trimPod, "Node": trimNode, "ReplicaSet": trimReplicaSet} {
		if got, err := trim(tombstone); err != nil || got != any(tombstone) {
			t.Errorf("%s: %v (%v)", name, got, err)
		}
	}
}
