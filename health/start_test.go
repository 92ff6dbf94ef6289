package health_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/health"
)

func TestAssess_StartFailures(t *testing.T) {
	old := func(p *corev1.Pod) {}
	assess(t, map[string]judgement{
		"InvalidImageName": {
			reason: "it will never be valid", want: health.Failed, says: `InvalidImageName: couldn't parse "X:1"`,
			change: func(r *health.Rollout) { unready(r, waiting("InvalidImageName", `couldn't parse "X:1"`)) },
		},
		"NeverPull": {
			reason: "it is not on the node, and may not be pulled", want: health.Failed, says: "ErrImageNeverPull",
			change: func(r *health.Rollout) { unready(r, waiting("ErrImageNeverPull", "not present")) },
		},
		"BackOffNotFound": {
			reason: "the wrong tag may be pushed later", want: health.Failed, says: "image x:1 not found", external: true,
			change: func(r *health.Rollout) {
				unready(r, waiting("ImagePullBackOff", `Back-off pulling image "x:1": ErrImagePull: x:1: not found`))
			},
		},
		"BackOffWithoutWords": {
			reason: "the reason for a back-off is not told by every kubelet", want: health.Progressing,
			change: func(r *health.Rollout) { unready(r, waiting("ImagePullBackOff", `Back-off pulling image "x:1"`)) },
		},
		"Unauthorized": {
			reason: "a login may be repaired without a deploy", want: health.Progressing, says: "401",
			change: func(r *health.Rollout) {
				unready(r, waiting("ErrImagePull", "unexpected status code 401 Unauthorized"))
			},
		},
		"DockerHubTellsNobody": {
			reason: "what is private and what does not exist look the same, and the words must not be taken for the latter",
			want:   health.Progressing, says: "insufficient_scope",
			change: func(r *health.Rollout) {
				unready(r, waiting("ErrImagePull", "pull access denied, repository does not exist or may require authorization: "+
					"server message: insufficient_scope: authorization failed"))
			},
		},
		"RateLimit": {
			reason: "it passes", want: health.Progressing,
			change: func(r *health.Rollout) { unready(r, waiting("ErrImagePull", "429 Too Many Requests: toomanyrequests")) },
		},
		"RegistryDownForAll": {
			reason: "old pods that were moved cannot pull either", want: health.Unknown, says: "old pods fail the same way",
			change: func(r *health.Rollout) {
				unready(r, waiting("ErrImagePull", "dial tcp: connection refused"))
				failingOld(r, waiting("ImagePullBackOff", "dial tcp: connection refused"))
				r.FailureDeadline = time.Second
			},
		},
		"SecretMissing": {
			reason: "nobody brings it", want: health.Failed, says: `secret "db" not found`, external: true,
			change: func(r *health.Rollout) { unready(r, waiting("CreateContainerConfigError", `secret "db" not found`)) },
		},
		"SecretKeyMissing": {
			reason: "nobody brings it", want: health.Failed, says: "couldn't find key url in Secret shop/db", external: true,
			change: func(r *health.Rollout) {
				unready(r, waiting("CreateContainerConfigError", "couldn't find key url in Secret shop/db"))
			},
		},
		"SecretCame": {
			reason: "it came after half a minute", want: health.Healthy,
			change: func(r *health.Rollout) { running(r, 20*time.Second) },
		},
		"ExecutableMissing": {
			reason: "it is not in the image", want: health.Failed, says: `container main cannot start: "/app": executable file not found in $PATH`,
			change: func(r *health.Rollout) {
				unready(r, waiting("RunContainerError", `failed to create containerd task: runc create failed: unable to start container process: exec: "/app": executable file not found in $PATH`))
			},
		},
		"ExecutableMissingTerminated": {
			reason: "the kubelet shows it as an end too", want: health.Failed, says: "cannot start: \"/app\": stat /app: no such file or directory",
			change: func(r *health.Rollout) {
				unready(r, func(s *corev1.ContainerStatus) {
					s.State.Terminated = &corev1.ContainerStateTerminated{
						Reason: "StartError", ExitCode: 128, Message: `runc create failed: exec: "/app": stat /app: no such file or directory: unknown`,
					}
				})
			},
		},
		"RuntimeTrouble": {
			reason: "the runtime may come to itself", want: health.Progressing,
			change: func(r *health.Rollout) { unready(r, waiting("RunContainerError", "context deadline exceeded")) },
		},
		"SandboxTrouble": {
			reason: "a network plugin that is late shows as ContainerCreating", want: health.Progressing,
			change: func(r *health.Rollout) { unready(r, waiting("ContainerCreating", "")); withOld(r, old) },
		},
		"NoNode": {
			reason: "a node may come", want: health.Progressing, says: "is not scheduled: 0/3 nodes are available",
			change: func(r *health.Rollout) { unscheduledPod(r) },
		},
		"NoNodeTooLong": {
			reason: "the deadline is the user's word", want: health.Failed, external: true,
			says:   "not complete within the failure deadline of 30s: pod a-new is not scheduled: 0/3 nodes are available",
			change: func(r *health.Rollout) { unscheduledPod(r); r.FailureDeadline = 30 * time.Second },
		},
		"NodeIsComing": {
			reason: "the autoscaler has asked for one ten seconds ago", want: health.Progressing, again: 15*time.Minute - 10*time.Second,
			change: func(r *health.Rollout) {
				unscheduledPod(r)
				r.FailureDeadline = 30 * time.Second
				r.Events = []*corev1.Event{podEvent("TriggeredScaleUp", "pod triggered scale-up: [{pool 3->4 (max: 10)}]")}
			},
		},
	})
}

// unscheduledPod has the new pod wait for a node.
func unscheduledPod(r *health.Rollout) {
	r.Deployment.Status.AvailableReplicas = 0
	p := r.Pods[0]
	p.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes are available: 3 Insufficient cpu.",
	}}}
}
