package health_test

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/health"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

// rollout is one that is complete and well: a Deployment with one pod, ready for 30 s, and a bake time of 10 s.
func rollout() health.Rollout {
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "a"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "x:1"}}},
	}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "d", Generation: 2},
		Spec:       appsv1.DeploymentSpec{Template: template},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: 2, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1,
		},
	}
	return health.Rollout{
		Deployment:  d,
		ReplicaSets: []*appsv1.ReplicaSet{replicaSet("new", template), replicaSet("old", corev1.PodTemplateSpec{})},
		Pods:        []*corev1.Pod{pod("new")},
		AcceptedAt:  now.Add(-time.Minute),
		BakeTime:    10 * time.Second,
	}
}

func replicaSet(name string, template corev1.PodTemplateSpec) *appsv1.ReplicaSet {
	template = *template.DeepCopy()
	if template.Labels != nil {
		template.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = name
	}
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), OwnerReferences: controlledBy("d")},
		Spec:       appsv1.ReplicaSetSpec{Template: template},
	}
}

func controlledBy(uid types.UID) []metav1.OwnerReference {
	return []metav1.OwnerReference{{UID: uid, Controller: new(true)}}
}

func pod(set types.UID) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "a-" + string(set), OwnerReferences: controlledBy(set), CreationTimestamp: ago(time.Minute)},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "x:1"}}},
		Status: corev1.PodStatus{
			Phase:             corev1.PodRunning,
			Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: ago(30 * time.Second)}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "main", Ready: true}},
		},
	}
}

// unready makes a rollout's only pod unready, its container in the given state.
func unready(r *health.Rollout, change func(*corev1.ContainerStatus)) {
	r.Deployment.Status.AvailableReplicas = 0
	p := r.Pods[0]
	p.Status.Conditions[0].Status = corev1.ConditionFalse
	p.Status.ContainerStatuses[0].Ready = false
	change(&p.Status.ContainerStatuses[0])
}

func waiting(reason, message string) func(*corev1.ContainerStatus) {
	return func(s *corev1.ContainerStatus) {
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: reason, Message: message}
	}
}

func crashed(restarts int32, reason string, code int32) func(*corev1.ContainerStatus) {
	return func(s *corev1.ContainerStatus) {
		s.RestartCount = restarts
		s.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{Reason: reason, ExitCode: code}
	}
}

func TestJudge(t *testing.T) {
	const missing = `rpc error: code = NotFound desc = failed to pull and unpack image "x:1": x:1: not found`
	tests := map[string]struct {
		reason string
		change func(*health.Rollout)
		want   health.State
		says   string
		again  time.Duration
	}{
		"Well":    {reason: "complete and well for the bake time", want: health.Healthy},
		"Baking":  {reason: "complete, not long enough", change: func(r *health.Rollout) { r.BakeTime = time.Minute }, want: health.Progressing, again: 30 * time.Second},
		"Stale":   {reason: "a status of before the deploy says nothing", change: func(r *health.Rollout) { r.Deployment.Generation = 3 }, want: health.Unknown, says: "generation"},
		"Paused":  {reason: "somebody is at work", change: func(r *health.Rollout) { r.Deployment.Spec.Paused = true }, want: health.Unknown, says: "paused"},
		"Zero":    {reason: "nothing runs, so nothing is healthy", change: func(r *health.Rollout) { r.Deployment.Spec.Replicas = new(int32(0)) }, want: health.Unknown, says: "zero"},
		"Deleted": {reason: "it is going away", change: func(r *health.Rollout) { t := ago(0); r.Deployment.DeletionTimestamp = &t }, want: health.Unknown, says: "deleted"},
		"NoReplicaSet": {
			reason: "the controller has not made it yet", want: health.Progressing, says: "ReplicaSet",
			change: func(r *health.Rollout) { r.ReplicaSets = r.ReplicaSets[1:] },
		},
		"Scaling": {
			reason: "an autoscaler adds pods", want: health.Progressing, says: "1 of 3 pods are updated",
			change: func(r *health.Rollout) { r.Deployment.Spec.Replicas = new(int32(3)) },
		},
		"OldPodsLeft": {reason: "the rollout is not complete", change: func(r *health.Rollout) { r.Deployment.Status.Replicas = 2 }, want: health.Progressing, says: "old pods"},
		"CrashLoop": {
			reason: "two restarts of the only pod", want: health.Failed, says: "container main exits 1 (2 restarts)",
			change: func(r *health.Rollout) { unready(r, crashed(2, "Error", 1)) },
		},
		"CrashedOnce": {
			reason: "one restart may be a race at the start", want: health.Progressing,
			change: func(r *health.Rollout) { unready(r, crashed(1, "Error", 1)) },
		},
		"OutOfMemory": {
			reason: "the cause is named", want: health.Failed, says: "OOMKilled",
			change: func(r *health.Rollout) { unready(r, crashed(2, "OOMKilled", 137)) },
		},
		"OnePodOfTwoCrashes": {
			reason: "one pod may have met a bad node", want: health.Progressing,
			change: func(r *health.Rollout) {
				second := pod("new")
				unready(r, crashed(3, "Error", 1))
				r.Pods = append(r.Pods, second)
			},
		},
		"OldPodCrashes": {
			reason: "the old revision's pods are not judged", want: health.Healthy,
			change: func(r *health.Rollout) {
				old := pod("old")
				crashed(5, "Error", 1)(&old.Status.ContainerStatuses[0])
				old.Status.ContainerStatuses[0].Ready = false
				r.Pods = append(r.Pods, old)
			},
		},
		"ImageMissing": {
			reason: "an image that does not exist will not come by itself", want: health.Failed, says: "image x:1 not found",
			change: func(r *health.Rollout) { unready(r, waiting("ErrImagePull", missing)) },
		},
		"ImageMissingJustNow": {
			reason: "it is looked at again before it counts", want: health.Progressing, again: 3 * time.Second,
			change: func(r *health.Rollout) {
				unready(r, waiting("ErrImagePull", missing))
				r.Pods[0].CreationTimestamp = ago(time.Second)
			},
		},
		"RegistryDown": {
			reason: "not the change's fault", want: health.Progressing,
			change: func(r *health.Rollout) { unready(r, waiting("ErrImagePull", "dial tcp: i/o timeout")) },
		},
		"SlowPull": {
			reason: "a slow pull is no failure", want: health.Progressing,
			change: func(r *health.Rollout) { unready(r, waiting("ContainerCreating", "")) },
		},
		"ConfigMissing": {
			reason: "a ConfigMap that does not come", want: health.Failed, says: `configmap "x" not found`,
			change: func(r *health.Rollout) { unready(r, waiting("CreateContainerConfigError", `configmap "x" not found`)) },
		},
		"ConfigLate": {
			reason: "a Secret may come half a minute later", want: health.Progressing, again: 30 * time.Second,
			change: func(r *health.Rollout) {
				unready(r, waiting("CreateContainerConfigError", `secret "x" not found`))
				r.Pods[0].CreationTimestamp = ago(30 * time.Second)
			},
		},
		"InitCrash": {
			reason: "nothing starts before the init container", want: health.Failed, says: "container setup exits 3",
			change: func(r *health.Rollout) {
				unready(r, waiting("PodInitializing", ""))
				s := corev1.ContainerStatus{Name: "setup"}
				crashed(2, "Error", 3)(&s)
				r.Pods[0].Status.InitContainerStatuses = []corev1.ContainerStatus{s}
			},
		},
		"Refused": {
			reason: "the API server refuses the pods", want: health.Failed, says: "exceeded quota",
			change: func(r *health.Rollout) { refuse(r, 2*time.Minute) },
		},
		"RefusedJustNow": {
			reason: "a quota may be freed", want: health.Progressing, again: 50 * time.Second,
			change: func(r *health.Rollout) { refuse(r, 10*time.Second) },
		},
		"Deadline": {
			reason: "Kubernetes' own deadline", want: health.Failed, says: "progressDeadlineSeconds",
			change: func(r *health.Rollout) {
				r.Deployment.Status.AvailableReplicas = 0
				r.Deployment.Status.Conditions = []appsv1.DeploymentCondition{{
					Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded",
				}}
			},
		},
		"OwnDeadline": {
			reason: "the user's deadline", want: health.Failed, says: "failure deadline of 30s",
			change: func(r *health.Rollout) {
				r.FailureDeadline = 30 * time.Second
				unready(r, waiting("ContainerCreating", ""))
			},
		},
		"OwnDeadlineLater": {
			reason: "the user's deadline is not over", want: health.Progressing, again: time.Minute,
			change: func(r *health.Rollout) {
				r.FailureDeadline = 2 * time.Minute
				unready(r, waiting("ContainerCreating", ""))
			},
		},
		"CompleteAfterDeadline": {
			reason: "a complete rollout met its deadline", want: health.Healthy,
			change: func(r *health.Rollout) { r.FailureDeadline = 30 * time.Second },
		},
		"FilesChangedOnly": {
			reason: "pods that started before the files changed know the old ones", want: health.Progressing, says: "started before the files changed",
			change: func(r *health.Rollout) {
				r.StartedAfter = now.Add(-20 * time.Second)
				running(r, 30*time.Second)
			},
		},
		"StartedWithTheNewFiles": {
			reason: "pods that started after the files changed prove them", want: health.Healthy,
			change: func(r *health.Rollout) {
				r.StartedAfter = now.Add(-40 * time.Second)
				running(r, 30*time.Second)
			},
		},
		"CrashedBeforeTheFilesChanged": {
			reason: "a run of before says nothing of the new files", want: health.Progressing,
			change: func(r *health.Rollout) {
				r.StartedAfter = now.Add(-20 * time.Second)
				unready(r, crashed(3, "Error", 1))
				r.Pods[0].Status.ContainerStatuses[0].LastTerminationState.Terminated.StartedAt = ago(30 * time.Second)
			},
		},
		"CrashesSinceTheFilesChanged": {
			reason: "a run of since fails by them", want: health.Failed, says: "exits 1",
			change: func(r *health.Rollout) {
				r.StartedAfter = now.Add(-20 * time.Second)
				unready(r, crashed(3, "Error", 1))
				r.Pods[0].Status.ContainerStatuses[0].LastTerminationState.Terminated.StartedAt = ago(10 * time.Second)
			},
		},
		"Evicted": {
			reason: "a disrupted pod is not the change's fault", want: health.Progressing,
			change: func(r *health.Rollout) {
				unready(r, crashed(4, "Error", 137))
				r.Pods[0].Status.Conditions = append(r.Pods[0].Status.Conditions, corev1.PodCondition{
					Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue,
				})
			},
		},
		"BeingDeleted": {
			reason: "a drained pod says nothing", want: health.Progressing,
			change: func(r *health.Rollout) {
				unready(r, crashed(4, "Error", 137))
				t := ago(0)
				r.Pods[0].DeletionTimestamp = &t
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := rollout()
			if tt.change != nil {
				tt.change(&r)
			}
			got := health.Judge(r, now)
			if got.State != tt.want || !strings.Contains(got.Cause, tt.says) || got.Again != tt.again {
				t.Errorf("%s: got %q (%s), again in %s", tt.reason, got.State, got.Cause, got.Again)
			}
			if strings.Contains(got.Cause, "\n") {
				t.Errorf("%s: the cause is more than a line: %q", tt.reason, got.Cause)
			}
		})
	}
}

func running(r *health.Rollout, since time.Duration) {
	r.Pods[0].Status.ContainerStatuses[0].State.Running = &corev1.ContainerStateRunning{StartedAt: ago(since)}
}

func refuse(r *health.Rollout, before time.Duration) {
	r.Pods = nil
	r.Deployment.Status.UpdatedReplicas, r.Deployment.Status.AvailableReplicas = 0, 0
	r.ReplicaSets[0].Status.Conditions = []appsv1.ReplicaSetCondition{{
		Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate",
		Message: `pods "a" is forbidden: exceeded quota`, LastTransitionTime: ago(before),
	}}
}
