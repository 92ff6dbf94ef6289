package main

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/test/tools/bench/rig"
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return start.Add(d) }

// rollout is what is seen at the start: a Deployment with a ReplicaSet.
func rollout() []observation {
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "x:2"}}}}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{UID: "d", Name: "w-0000"}, Spec: appsv1.DeploymentSpec{Template: template}}
	set := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{UID: "set", Name: "w-0000-1", OwnerReferences: controlledBy("d")},
		Spec:       appsv1.ReplicaSetSpec{Template: template},
	}
	return []observation{{at: start, resource: "deployments", object: d}, {at: start, resource: "replicasets", object: set}}
}

func controlledBy(uid types.UID) []metav1.OwnerReference {
	return []metav1.OwnerReference{{UID: uid, Controller: new(true)}}
}

// pod is one that was made at the start, its container in a state.
func pod(status corev1.ContainerStatus) *corev1.Pod {
	status.Name = "main"
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: "pod", Name: "w-0000-1-a", OwnerReferences: controlledBy("set"), CreationTimestamp: metav1.NewTime(start)},
		Status:     corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{status}},
	}
}

func noImage() *corev1.Pod {
	return pod(corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "x:2: not found"}}})
}

func crashed(restarts int32) *corev1.Pod {
	return pod(corev1.ContainerStatus{
		RestartCount: restarts, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"}},
	})
}

func TestTheSignalIsTheWriteOrTheEndOfPatience(t *testing.T) {
	gone := observation{at: after(3 * time.Second), resource: "pods", object: noImage(), gone: true}
	tests := map[string]struct {
		reason string
		since  time.Duration
		seen   []observation
		want   time.Duration // Zero where there is none.
	}{
		"patience": {
			reason: "what is certain must last four seconds, and nothing is written when they are over",
			seen:   []observation{{at: after(time.Second), resource: "pods", object: noImage()}}, want: 4 * time.Second,
		},
		"write": {
			reason: "patience with a crash is over by the third end, whose write makes it conclusive",
			seen: []observation{
				{at: after(8 * time.Second), resource: "pods", object: crashed(1)}, {at: after(15 * time.Second), resource: "pods", object: crashed(2)},
			},
			want: 15 * time.Second,
		},
		"gone": {
			reason: "a pod that is deleted before patience is over fails nothing",
			seen:   []observation{{at: after(time.Second), resource: "pods", object: noImage()}, gone},
		},
		"an earlier one": {
			reason: "a failure that was over before the time that is looked at is another one's",
			since:  10 * time.Second,
			seen: []observation{
				{at: after(time.Second), resource: "pods", object: noImage()},
				{at: after(6 * time.Second), resource: "pods", object: noImage(), gone: true},
				{at: after(12 * time.Second), resource: "pods", object: noImage()},
			},
			want: 12 * time.Second,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, found := signalled(append(rollout(), tt.seen...), after(tt.since))
			if found != (tt.want != 0) || found && !got.Equal(after(tt.want)) {
				t.Errorf("%s: %v, %v, want %v", tt.reason, got.Sub(start), found, tt.want)
			}
		})
	}
}

func TestWhatWasSeenIsDatedByItsWrite(t *testing.T) {
	late := []observation{{at: after(5 * time.Second), resource: "pods", object: noImage()}}
	got := storedAt(late, []rig.Call{
		{Verb: "patch", Resource: "pods/status", Name: "w-0000-1-a", Received: after(2 * time.Second), Completed: after(3 * time.Second)},
		{Verb: "patch", Resource: "pods/status", Name: "w-0000-1-b", Received: after(4 * time.Second), Completed: after(4 * time.Second)},
		{Verb: "patch", Resource: "pods/status", Name: "w-0000-1-a", Received: after(6 * time.Second), Completed: after(6 * time.Second)},
	})
	if !got[0].at.Equal(after(3 * time.Second)) {
		t.Errorf("dated %v after the start, want that of the write before it, of the same pod, after 3s", got[0].at.Sub(start))
	}
}

func TestWhatTheAPIServerServesSideBySideCountsOnce(t *testing.T) {
	m := moments{signal: after(0), restored: after(10 * time.Second)}
	call := func(from, until time.Duration) rig.Call {
		return rig.Call{User: rig.Account, Received: after(from), Completed: after(until)}
	}
	m.share([]rig.Call{
		call(-time.Second, time.Second), // Not about this failure.
		call(2*time.Second, 4*time.Second), call(3*time.Second, 5*time.Second), call(9*time.Second, 12*time.Second),
	})
	if want := 4 * time.Second; m.served != want || !m.asked.Equal(after(2*time.Second)) || len(m.calls) != 3 {
		t.Errorf("served %v by %d calls, the first at %v; want %v by 3, the first at 2s", m.served, len(m.calls), m.asked.Sub(start), want)
	}
}
