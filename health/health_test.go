package health_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/health"
)

func TestAssess(t *testing.T) {
	const missing = `rpc error: code = NotFound desc = failed to pull and unpack image "x:1": x:1: not found`
	assess(t, map[string]judgement{
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
			reason: "one pod may have met a bad node", want: health.Progressing, again: 9*time.Minute + 30*time.Second,
			change: func(r *health.Rollout) {
				second := pod("new")
				unready(r, crashed(3, "Error", 1))
				r.Pods = append(r.Pods, second)
			},
		},
		"OldPodCrashes": {
			reason: "the old revision's pods are not assessed", want: health.Healthy,
			change: func(r *health.Rollout) {
				old := pod("old")
				crashed(5, "Error", 1)(&old.Status.ContainerStatuses[0])
				old.Status.ContainerStatuses[0].Ready = false
				r.Pods = append(r.Pods, old)
			},
		},
		"ImageMissing": {
			reason: "an image that does not exist will not come by itself, but may be pushed", want: health.Failed, says: "image x:1 not found", external: true,
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
				withInit(r, "setup")
				unready(r, waiting("PodInitializing", ""))
				s := corev1.ContainerStatus{Name: "setup"}
				crashed(2, "Error", 3)(&s)
				r.Pods[0].Status.InitContainerStatuses = []corev1.ContainerStatus{s}
			},
		},
		"Refused": {
			reason: "the API server rejects the pods", want: health.Failed, says: "exceeded quota", external: true,
			change: func(r *health.Rollout) { rejectPods(r, 2*time.Minute) },
		},
		"RefusedJustNow": {
			reason: "a quota may be freed", want: health.Progressing, again: 50 * time.Second,
			change: func(r *health.Rollout) { rejectPods(r, 10*time.Second) },
		},
		"Deadline": {
			reason: "Kubernetes' own deadline", want: health.Failed, says: "progressDeadlineSeconds",
			change: func(r *health.Rollout) {
				r.Deployment.Status.AvailableReplicas = 0
				r.Deployment.Status.Conditions = []appsv1.DeploymentCondition{{
					Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded",
					LastUpdateTime: ago(10 * time.Second),
				}}
			},
		},
		"OwnDeadline": {
			reason: "the user's deadline", want: health.Failed, says: "failure deadline of 30s", external: true,
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
			reason: "a disrupted pod is not the change's fault", want: health.Unknown, says: "is disrupted", again: 10 * time.Second,
			change: func(r *health.Rollout) {
				unready(r, crashed(4, "Error", 137))
				r.Pods[0].Status.Conditions = append(r.Pods[0].Status.Conditions, corev1.PodCondition{
					Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue,
				})
			},
		},
		"BeingDeleted": {
			reason: "a drained pod says nothing", want: health.Unknown, says: "is being deleted", again: 10 * time.Second,
			change: func(r *health.Rollout) {
				unready(r, crashed(4, "Error", 137))
				t := ago(0)
				r.Pods[0].DeletionTimestamp = &t
			},
		},
	})
}
