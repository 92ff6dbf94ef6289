package health_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/health"
)

func TestAssess_NotCausedByTheChange(t *testing.T) {
	assess(t, map[string]judgement{
		"NodeNotReady": {
			reason: "the node is lost, not the change", want: health.Unknown, says: "is on a node that is not ready", again: 10 * time.Second,
			change: func(r *health.Rollout) {
				unready(r, restarted(5, 1))
				placed(r)
				r.Nodes, r.FailureDeadline = node(corev1.ConditionUnknown), time.Second
			},
		},
		"NodeGone": {
			reason: "the pod went with it", want: health.Unknown, says: "was on a node that is gone", again: 10 * time.Second,
			change: func(r *health.Rollout) {
				unready(r, restarted(5, 1))
				placed(r)
				r.Nodes = map[string]*corev1.Node{}
			},
		},
		"NodeWell": {
			reason: "the node is no excuse", want: health.Failed, says: "exits 1",
			change: func(r *health.Rollout) {
				unready(r, restarted(5, 1))
				placed(r)
				r.Nodes = node(corev1.ConditionTrue)
			},
		},
		"OneNodeLostTheOthersFail": {
			reason: "all pods that tell something fail", want: health.Failed, says: "on 2 of 2 new pods",
			change: func(r *health.Rollout) {
				unready(r, restarted(5, 1))
				more(r, 3, nil)
				placed(r)
				r.Pods[2].Spec.NodeName = "lost"
				r.Nodes = node(corev1.ConditionTrue)
			},
		},
		"OneNodeLostTheOthersWell": {
			reason: "the rollout waits for the node only", want: health.Unknown, says: "was on a node that is gone", again: 10 * time.Second,
			change: func(r *health.Rollout) {
				more(r, 3, nil)
				placed(r)
				r.Pods[2].Spec.NodeName = "lost"
				r.Nodes, r.FailureDeadline = node(corev1.ConditionTrue), time.Second
				r.Deployment.Status.AvailableReplicas = 2
			},
		},
		"Preempted": {
			reason: "a more important pod took its place", want: health.Unknown, says: "was terminated by the cluster", again: 10 * time.Second,
			change: func(r *health.Rollout) {
				unready(r, restarted(0, 137))
				r.Pods[0].Status.Phase, r.Pods[0].Status.Reason = corev1.PodFailed, "Preempting"
			},
		},
		"OldPodsCrashToo": {
			reason: "something that both need is broken", want: health.Unknown, says: "old pods fail the same way, so this change is not the cause: pod a-old, container main exits 1",
			change: func(r *health.Rollout) { unready(r, restarted(3, 1)); failingOld(r, restarted(9, 1)) },
		},
		"OldPodsCrashTooAndRunJustNow": {
			reason: "without a probe they are ready between two crashes", want: health.Unknown, says: "old pods fail the same way", again: 4 * time.Minute,
			change: func(r *health.Rollout) {
				unready(r, restarted(3, 1))
				withOld(r, func(p *corev1.Pod) { crashed(9, "Error", 1)(&p.Status.ContainerStatuses[0]) })
				r.Pods[1].Status.ContainerStatuses[0].LastTerminationState.Terminated.FinishedAt = ago(time.Minute)
			},
		},
		"OldPodsCrashedLongAgo": {
			reason: "they have recovered", want: health.Failed, says: "exits 1",
			change: func(r *health.Rollout) {
				unready(r, restarted(3, 1))
				withOld(r, func(p *corev1.Pod) { crashed(9, "Error", 1)(&p.Status.ContainerStatuses[0]) })
				r.Pods[1].Status.ContainerStatuses[0].LastTerminationState.Terminated.FinishedAt = ago(time.Hour)
			},
		},
		"OldPodsCrashTooSinceTheFilesChanged": {
			reason: "the old pods mount the new files", want: health.Failed, says: "exits 1",
			change: func(r *health.Rollout) {
				unready(r, restarted(3, 1))
				failingOld(r, restarted(9, 1))
				r.FilesChanged = true
			},
		},
		"OldPodsOfAFailureCrashToo": {
			reason: "the deploy before was broken in the same way, and the fix is none", want: health.Failed, says: "exits 1",
			change: func(r *health.Rollout) {
				unready(r, restarted(3, 1))
				failingOld(r, restarted(9, 1))
				r.NeverHealthy = []types.UID{"old"}
			},
		},
		"OldPodsFailOtherwise": {
			reason: "another failure of the old pods explains nothing", want: health.Failed, says: "exits 1",
			change: func(r *health.Rollout) {
				unready(r, restarted(3, 1))
				failingOld(r, waiting("CreateContainerConfigError", `configmap "x" not found`))
			},
		},
		"OldPodsGo": {
			reason: "pods that are being scaled down fail for that", want: health.Failed, says: "exits 1",
			change: func(r *health.Rollout) {
				unready(r, restarted(3, 1))
				failingOld(r, restarted(9, 1))
				t := ago(0)
				r.Pods[1].DeletionTimestamp = &t
			},
		},
		"ScaledUp": {
			reason: "an autoscaler adds pods to what is well", want: health.Progressing, says: "1 of 3 pods are updated",
			change: func(r *health.Rollout) { r.Deployment.Spec.Replicas = new(int32(3)) },
		},
		"ScaledDown": {
			reason: "an autoscaler takes pods away", want: health.Healthy,
			change: func(r *health.Rollout) {
				more(r, 2, func(_ int, p *corev1.Pod) { t := ago(0); p.DeletionTimestamp = &t })
				r.Deployment.Spec.Replicas = new(int32(1))
				r.Deployment.Status.Replicas, r.Deployment.Status.UpdatedReplicas = 1, 1
			},
		},
		"DeadlineOfBefore": {
			reason: "the condition was found out for the rollout before", want: health.Progressing,
			change: func(r *health.Rollout) {
				unready(r, waiting("ContainerCreating", ""))
				r.Deployment.Status.Conditions = []appsv1.DeploymentCondition{{
					Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded", LastUpdateTime: ago(time.Hour),
				}}
			},
		},
		"StartedAnewInTheBake": {
			reason: "a restart restarts the bake time", want: health.Progressing, again: 5 * time.Second,
			change: func(r *health.Rollout) { running(r, 5*time.Second) },
		},
		"NoPods": {
			reason: "the cache lags behind the status", want: health.Progressing, says: "waiting for its pods",
			change: func(r *health.Rollout) { r.Pods = nil },
		},
	})
}
