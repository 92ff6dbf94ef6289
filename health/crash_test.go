package health_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/health"
)

func TestAssess_Crashes(t *testing.T) {
	assess(t, map[string]judgement{
		"EndedOnce": {
			reason: "a neighbour may have been late", want: health.Progressing,
			change: func(r *health.Rollout) { unready(r, restarted(0, 1)) },
		},
		"EndedTwiceAlone": {
			reason: "without old pods to compare with, twice is too little", want: health.Progressing,
			change: func(r *health.Rollout) { unready(r, restarted(1, 1)) },
		},
		"EndedTwiceOldWell": {
			reason: "the kubelet restarts it at once, so that both runs may have come too early", want: health.Progressing,
			change: func(r *health.Rollout) { unready(r, restarted(1, 1)); withOld(r, nil) },
		},
		"EndedThrice": {
			reason: "terminated shows for seconds before CrashLoopBackOff", want: health.Failed, says: "exits 3 (2 restarts)",
			change: func(r *health.Rollout) { unready(r, restarted(2, 3)) },
		},
		"BackOff": {
			reason: "the last end stands in lastState", want: health.Failed, says: "container main exits 1 (2 restarts)",
			change: func(r *health.Rollout) {
				unready(r, crashed(2, "Error", 1))
				r.Pods[0].Status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}
			},
		},
		"TooSoon": {
			reason: "its first restarts come at once", want: health.Progressing, again: 4 * time.Second, says: "exits 1",
			change: func(r *health.Rollout) {
				unready(r, restarted(2, 1))
				r.Pods[0].CreationTimestamp = ago(6 * time.Second)
			},
		},
		"TooSoonButRecreate": {
			reason: "nothing serves in the meantime", want: health.Failed, says: "exits 1",
			change: func(r *health.Rollout) {
				unready(r, restarted(2, 1))
				r.Pods[0].CreationTimestamp = ago(6 * time.Second)
				r.Deployment.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
			},
		},
		"RunsAgain": {
			reason: "it got over it", want: health.Progressing,
			change: func(r *health.Rollout) {
				unready(r, crashed(1, "Error", 1))
				r.Pods[0].Status.ContainerStatuses[0].State.Running = &corev1.ContainerStateRunning{StartedAt: ago(time.Minute)}
			},
		},
		"EndsWell": {
			reason: "a server that ends is broken, whatever its exit code", want: health.Failed, says: "exits by itself with code 0",
			change: func(r *health.Rollout) { unready(r, restarted(2, 0)) },
		},
		"KilledByLiveness": {
			reason: "the exit code of a kill tells nothing", want: health.Failed, says: "is restarted because its liveness probe fails (3 restarts)",
			change: func(r *health.Rollout) {
				unready(r, restarted(3, 137))
				r.Events = []*corev1.Event{podEvent("Killing", "Container main failed liveness probe, will be restarted")}
			},
		},
		"KillingOfAnother": {
			reason: "another container's probe is no cause", want: health.Failed, says: "exits 137",
			change: func(r *health.Rollout) {
				unready(r, restarted(3, 137))
				r.Events = []*corev1.Event{podEvent("Killing", "Container mainframe failed liveness probe, will be restarted")}
			},
		},
		"SidecarCrashes": {
			reason: "a sidecar is an init container that stays", want: health.Failed, says: "container proxy exits 2",
			change: func(r *health.Rollout) {
				unready(r, waiting("PodInitializing", ""))
				s := corev1.ContainerStatus{Name: "proxy"}
				restarted(4, 2)(&s)
				withInit(r, "proxy")
				r.Pods[0].Status.InitContainerStatuses = []corev1.ContainerStatus{s}
			},
		},
		"EphemeralCrashes": {
			reason: "somebody is debugging", want: health.Healthy,
			change: func(r *health.Rollout) {
				s := corev1.ContainerStatus{Name: "debugger"}
				restarted(9, 1)(&s)
				r.Pods[0].Status.EphemeralContainerStatuses = []corev1.ContainerStatus{s}
			},
		},
		"InitDone": {
			reason: "an init container ends", want: health.Healthy,
			change: func(r *health.Rollout) {
				s := corev1.ContainerStatus{Name: "setup", Ready: true}
				s.State.Terminated = &corev1.ContainerStateTerminated{Reason: "Completed"}
				r.Pods[0].Status.InitContainerStatuses = []corev1.ContainerStatus{s}
			},
		},
		"OneOfThree": {
			reason: "one pod may have met a bad node", want: health.Progressing, says: "on 1 of 3 new pods", again: 9*time.Minute + 30*time.Second,
			change: func(r *health.Rollout) {
				more(r, 3, nil)
				unready(r, restarted(5, 1))
			},
		},
		"AllOfThree": {
			reason: "all fail alike", want: health.Failed, says: "exits 1 (5 restarts) on 3 of 3 new pods",
			change: func(r *health.Rollout) {
				unready(r, restarted(5, 1))
				more(r, 3, nil)
			},
		},
		"FirstOfALargeRollout": {
			reason: "only the first of many new pods exist", want: health.Failed, says: "exits 1",
			change: func(r *health.Rollout) {
				unready(r, restarted(2, 1))
				r.Deployment.Spec.Replicas = new(int32(50))
			},
		},
		"CrashesInTheBake": {
			reason: "available is not enough", want: health.Failed, says: "exits 1",
			change: func(r *health.Rollout) {
				unready(r, restarted(2, 1))
				r.Deployment.Status.AvailableReplicas = 1
			},
		},
		"LongMessage": {
			reason: "a cause stays a line", want: health.Failed,
			change: func(r *health.Rollout) {
				unready(r, waiting("CreateContainerConfigError", string(make([]byte, 5000))+"\n ä\xff"))
			},
		},
	})
}
