package health_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/health"
)

func TestAssess_Readiness(t *testing.T) {
	probe := &corev1.Probe{PeriodSeconds: 10}
	assess(t, map[string]judgement{
		"Failing": {
			reason: "it had its time", want: health.Failed, says: "container main did not become ready within 1m0s: Readiness probe failed: HTTP 500",
			change: func(r *health.Rollout) {
				probed(r, probe, nil)
				notReady(r, 61*time.Second)
				r.ReadyAfter = time.Second
				r.Events = []*corev1.Event{podEvent("Unhealthy", "Readiness probe failed: HTTP 500")}
			},
		},
		"SlowStart": {
			reason: "it has half a minute yet", want: health.Progressing, again: 20 * time.Second,
			change: func(r *health.Rollout) {
				probed(r, probe, nil)
				notReady(r, 40*time.Second)
				r.ReadyAfter = time.Second
			},
		},
		"SlowByItsProbe": {
			reason: "its own delay is longer", want: health.Progressing, again: 85 * time.Second,
			change: func(r *health.Rollout) {
				probed(r, &corev1.Probe{InitialDelaySeconds: 120, PeriodSeconds: 10, FailureThreshold: 1, SuccessThreshold: 1, TimeoutSeconds: 5}, nil)
				notReady(r, 60*time.Second)
				r.ReadyAfter = time.Second
			},
		},
		"NobodyKnows": {
			reason: "no predecessor says how long it takes", want: health.Progressing, again: 2 * time.Minute,
			change: func(r *health.Rollout) { probed(r, probe, nil); notReady(r, 60*time.Second) },
		},
		"SlowByItsStartupProbe": {
			reason: "a startup probe of 30 periods comes first", want: health.Progressing, again: 234 * time.Second,
			change: func(r *health.Rollout) {
				probed(r, probe, &corev1.Probe{PeriodSeconds: 10, FailureThreshold: 30})
				notReady(r, 90*time.Second)
			},
		},
		"AsSlowAsTheOldOnes": {
			reason: "the old pods needed five minutes too", want: health.Progressing, again: 8 * time.Minute, says: "become ready",
			change: func(r *health.Rollout) {
				probed(r, probe, nil)
				notReady(r, 2*time.Minute)
				withOld(r, func(p *corev1.Pod) { p.Status.Conditions[0].LastTransitionTime = ago(20 * time.Minute) })
			},
		},
		"NoProbe": {
			reason: "without a probe it is the kubelet's matter", want: health.Progressing,
			change: func(r *health.Rollout) { notReady(r, 10*time.Minute) },
		},
		"DatabaseDown": {
			reason: "the old pods are not ready either", want: health.Unknown, says: "old pods fail the same way",
			change: func(r *health.Rollout) {
				for _, set := range r.ReplicaSets {
					set.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "x:1", ReadinessProbe: probe}}
				}
				r.Deployment.Spec.Template.Spec.Containers[0].ReadinessProbe = probe
				notReady(r, 10*time.Minute)
				failingOld(r, func(s *corev1.ContainerStatus) {
					s.State.Running = &corev1.ContainerStateRunning{StartedAt: ago(time.Hour)}
				})
			},
		},
	})
}

func TestAssess_RejectedPods(t *testing.T) {
	say := func(message string, before time.Duration) func(*health.Rollout) {
		return func(r *health.Rollout) {
			rejectPods(r, before)
			r.ReplicaSets[0].Status.Conditions[0].Message = message
		}
	}
	const quota = `pods "a-x" is forbidden: exceeded quota: team, requested: pods=1, used: pods=5, limited: pods=5`
	assess(t, map[string]judgement{
		"LimitRange": {
			reason: "the API server will always reject the same pod", want: health.Failed, says: "maximum memory usage per Container is 1Gi",
			change: say(`pods "a-x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi`, 5*time.Second),
		},
		"Invalid": {
			reason: "the API server will always reject the same pod", want: health.Failed, says: "must be less than or equal",
			change: say(`Pod "a-x" is invalid: spec.containers[0].resources.requests: Invalid value: "250Mi": must be less than or equal to memory limit of 200Mi`, 5*time.Second),
		},
		"InvalidJustNow": {
			reason: "it is looked at twice", want: health.Progressing, again: 3 * time.Second,
			change: say(`Pod "a-x" is invalid: spec`, time.Second),
		},
		"PodSecurity": {
			reason: "the API server will always reject the same pod", want: health.Failed, says: "violates PodSecurity",
			change: say(`pods "a-x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false`, 5*time.Second),
		},
		"Quota":        {reason: "nobody frees it", want: health.Failed, says: "exceeded quota", external: true, change: say(quota, 61*time.Second)},
		"QuotaJustNow": {reason: "it may be freed", want: health.Progressing, again: 30 * time.Second, change: say(quota, 30*time.Second)},
		"WebhookOutage": {
			reason: "a webhook that is down is not the change's fault", want: health.Progressing, says: "failed calling webhook",
			change: say(`Internal error occurred: failed calling webhook "x.example.com": connection refused`, time.Hour),
		},
		"WebhookRefuses": {
			reason: "a policy rejects these pods", want: health.Failed, says: "denied the request",
			change: say(`admission webhook "x.example.com" denied the request: no`, 61*time.Second),
		},
		"AccountMissing": {
			reason: "it may be applied after its user", want: health.Progressing, again: 50 * time.Second,
			change: say(`pods "a-x" is forbidden: error looking up service account shop/a: serviceaccount "a" not found`, 10*time.Second),
		},
		"OldOnesAreRefused": {
			reason: "the condition of an old ReplicaSet is not the new one's", want: health.Healthy,
			change: func(r *health.Rollout) {
				r.ReplicaSets[1].Status.Conditions = []appsv1.ReplicaSetCondition{{
					Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: quota, LastTransitionTime: ago(time.Hour),
				}}
			},
		},
		"SomeRunSomeAreRefused": {
			reason: "the template is accepted: the deadline decides whether more are", want: health.Progressing, says: "exceeded quota",
			change: func(r *health.Rollout) {
				pods := r.Pods
				say(quota, 61*time.Second)(r)
				r.Pods = pods
			},
		},
	})
}
