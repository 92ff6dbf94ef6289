package health_test

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/health"
)

// endedPods adds pods of the new revision that ended, one after the other.
func endedPods(r *health.Rollout, n int, reason, message string, conditions ...corev1.PodCondition) {
	for i := range n {
		p := pod("new")
		p.Name = fmt.Sprintf("a-ended-%d", i)
		p.CreationTimestamp = ago(time.Duration(50-5*i) * time.Second)
		p.Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: reason, Message: message, Conditions: conditions}
		r.Pods = append(r.Pods, p)
	}
}

func TestAssess_PodsThatEnd(t *testing.T) {
	disrupted := corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "TerminationByKubelet"}
	starting := func(r *health.Rollout) { unready(r, waiting("ContainerCreating", "")) }
	assess(t, map[string]judgement{
		"OwnStorageLimit": {
			reason: "its successors will outgrow it too", want: health.Failed, says: "exceeded its local ephemeral storage limit",
			change: func(r *health.Rollout) {
				starting(r)
				endedPods(r, 3, "Evicted", `Container main exceeded its local ephemeral storage limit "64Mi". `)
			},
		},
		"OwnVolumeLimitTwice": {
			reason: "twice may be chance", want: health.Progressing,
			change: func(r *health.Rollout) {
				starting(r)
				endedPods(r, 2, "Evicted", `Usage of EmptyDir volume "cache" exceeds the limit "1Mi". `)
			},
		},
		"AppArmor": {
			reason: "no node has the profile", want: health.Failed, says: "Cannot enforce AppArmor",
			change: func(r *health.Rollout) {
				starting(r)
				endedPods(r, 4, "AppArmor", "Pod was rejected: Cannot enforce AppArmor: profile is not loaded")
			},
		},
		"DeviceMissing": {
			reason: "no node has the device", want: health.Failed, says: "Allocate failed",
			change: func(r *health.Rollout) {
				starting(r)
				endedPods(r, 3, "UnexpectedAdmissionError", "Pod was rejected: Allocate failed due to no devices")
			},
		},
		"NodePressure": {
			reason: "the node was short of memory", want: health.Progressing,
			change: func(r *health.Rollout) {
				starting(r)
				endedPods(r, 5, "Evicted", "The node was low on resource: memory. ", disrupted)
			},
		},
		"NodePressureOfOldKubelets": {
			reason: "they do not set the condition", want: health.Progressing,
			change: func(r *health.Rollout) {
				starting(r)
				endedPods(r, 5, "Evicted", "The node was low on resource: memory. ")
			},
		},
		"Shutdown": {
			reason: "the node is switched off", want: health.Progressing,
			change: func(r *health.Rollout) {
				starting(r)
				endedPods(r, 5, "Terminated", "Pod was terminated in response to imminent node shutdown.")
			},
		},
		"OthersAreReady": {
			reason: "the spec works elsewhere", want: health.Healthy,
			change: func(r *health.Rollout) {
				endedPods(r, 5, "UnexpectedAdmissionError", "Pod was rejected: Allocate failed")
			},
		},
		"BeforeTheRevision": {
			reason: "the ReplicaSet was used before", want: health.Progressing,
			change: func(r *health.Rollout) {
				starting(r)
				endedPods(r, 5, "AppArmor", "Pod was rejected: Cannot enforce AppArmor")
				r.AcceptedAt = now.Add(-5 * time.Second)
			},
		},
	})
}

func TestAssess_Witnesses(t *testing.T) {
	inject := func(r *health.Rollout, change func(*corev1.ContainerStatus)) {
		unready(r, func(s *corev1.ContainerStatus) { s.Ready = true })
		proxy := corev1.ContainerStatus{Name: "proxy"}
		change(&proxy)
		r.Pods[0].Status.ContainerStatuses = append(r.Pods[0].Status.ContainerStatuses, proxy)
	}
	assess(t, map[string]judgement{
		"EvictedFirstThenStuck": {
			reason: "the successor tells something", want: health.Failed, says: "failure deadline", external: true,
			change: func(r *health.Rollout) {
				unready(r, waiting("ContainerCreating", ""))
				endedPods(r, 1, "Evicted", "The node was low on resource: memory. ")
				r.FailureDeadline = 30 * time.Second
			},
		},
		"TerminatingAndStuck": {
			reason: "the successor tells something", want: health.Failed, says: "failure deadline", external: true,
			change: func(r *health.Rollout) {
				more(r, 2, func(_ int, p *corev1.Pod) { p.DeletionTimestamp = new(ago(time.Minute)) })
				unready(r, waiting("ContainerCreating", ""))
				r.FailureDeadline = 30 * time.Second
			},
		},
		"OneCrashesOneHasNoNode": {
			reason: "all that run fail", want: health.Failed, says: "exits 1",
			change: func(r *health.Rollout) {
				more(r, 2, func(_ int, p *corev1.Pod) {
					p.CreationTimestamp = ago(61 * time.Second)
					p.Status = corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse}}}
				})
				unready(r, restarted(5, 1))
			},
		},
		"OneCrashesOneStarts": {
			reason: "the other has its time", want: health.Progressing, says: "exits 1", again: 40 * time.Second,
			change: func(r *health.Rollout) {
				more(r, 2, func(_ int, p *corev1.Pod) {
					p.CreationTimestamp = ago(20 * time.Second)
					waiting("ContainerCreating", "")(&p.Status.ContainerStatuses[0])
					p.Status.Conditions = nil
				})
				unready(r, restarted(5, 1))
			},
		},
		"OneOldOfThreeCrashes": {
			reason: "one alone may be on a bad node", want: health.Failed, says: "exits 1",
			change: func(r *health.Rollout) {
				unready(r, restarted(5, 1))
				failingOld(r, restarted(9, 1))
				withOld(r, func(p *corev1.Pod) { p.Name = "a-old-2" })
				withOld(r, func(p *corev1.Pod) { p.Name = "a-old-3" })
			},
		},
		"OldPodsAreOutOfMemory": {
			reason: "another failure of the old pods explains nothing", want: health.Failed, says: "exits 1",
			change: func(r *health.Rollout) {
				unready(r, restarted(5, 1))
				failingOld(r, func(s *corev1.ContainerStatus) { restarted(9, 137)(s); s.State.Terminated.Reason = "OOMKilled" })
			},
		},
		"OldPodsAreRefusedToo": {
			reason: "the policy came with neither", want: health.Unknown, says: "rejected too",
			change: func(r *health.Rollout) {
				rejectPods(r, 2*time.Minute)
				r.ReplicaSets[1].Status.Conditions = r.ReplicaSets[0].Status.Conditions
			},
		},
		"QuotaWhileOldPodsEnd": {
			reason: "they take their part until they are gone", want: health.Progressing, says: "exceeded quota",
			change: func(r *health.Rollout) {
				rejectPods(r, 2*time.Minute)
				withOld(r, func(p *corev1.Pod) { p.DeletionTimestamp = new(ago(time.Minute)) })
			},
		},
		"InjectedCrashes": {
			reason: "the restored pods would have it too", want: health.Unknown, says: "not in the Deployment: pod a-new, container proxy exits 255", again: 10 * time.Second,
			change: func(r *health.Rollout) { inject(r, restarted(3, 255)) },
		},
		"InjectedImageMissing": {
			reason: "the mesh was upgraded", want: health.Unknown, says: "not in the Deployment: pod a-new, container proxy: image not found", again: 10 * time.Second,
			change: func(r *health.Rollout) { inject(r, waiting("ErrImagePull", "reg.example/proxy:2: not found")) },
		},
		"InjectedInit": {
			reason: "an init container can be injected too", want: health.Unknown, says: "container mesh-init exits 1", again: 10 * time.Second,
			change: func(r *health.Rollout) {
				unready(r, waiting("PodInitializing", ""))
				s := corev1.ContainerStatus{Name: "mesh-init"}
				restarted(3, 1)(&s)
				r.Pods[0].Status.InitContainerStatuses = []corev1.ContainerStatus{s}
			},
		},
		"Reboot": {
			reason: "the node rebooted", want: health.Progressing,
			change: func(r *health.Rollout) {
				unready(r, func(s *corev1.ContainerStatus) { restarted(4, 255)(s); s.State.Terminated.Reason = "Unknown" })
			},
		},
		"Resized": {
			reason: "a resize restarts the container", want: health.Progressing,
			change: func(r *health.Rollout) {
				unready(r, restarted(4, 143))
				r.Pods[0].Status.Conditions = append(r.Pods[0].Status.Conditions, corev1.PodCondition{Type: corev1.PodResizeInProgress, Status: corev1.ConditionTrue})
			},
		},
		"NodeHasReturned": {
			reason: "its pods' status is the one of before", want: health.Unknown, says: "just returned", again: 10 * time.Second,
			change: func(r *health.Rollout) {
				unready(r, restarted(5, 1))
				placed(r)
				r.Nodes = node(corev1.ConditionTrue)
				r.Nodes["n"].Status.Conditions[0].LastTransitionTime = ago(time.Second)
			},
		},
	})
}

func TestAssess_SaysWhatItWaitsFor(t *testing.T) {
	late := func(r *health.Rollout, change func(*corev1.ContainerStatus), events ...*corev1.Event) {
		unready(r, change)
		r.FailureDeadline = 30 * time.Second
		r.Events = events
		for _, e := range events {
			e.Type = corev1.EventTypeWarning
		}
	}
	up := func(s *corev1.ContainerStatus) {
		s.State.Running, s.Started = &corev1.ContainerStateRunning{StartedAt: ago(50 * time.Second)}, new(false)
	}
	creating := waiting("ContainerCreating", "")
	assess(t, map[string]judgement{
		"Volume": {
			reason: "the Event names the ConfigMap", want: health.Failed, says: `FailedMount: MountVolume.SetUp failed for volume "f" : configmap "files" not found`, external: true,
			change: func(r *health.Rollout) {
				late(r, creating, podEvent("FailedMount", `MountVolume.SetUp failed for volume "f" : configmap "files" not found`))
			},
		},
		"Attachment": {
			reason: "the volume is on another node", want: health.Failed, says: "Multi-Attach error", external: true,
			change: func(r *health.Rollout) {
				late(r, creating, podEvent("FailedAttachVolume", `Multi-Attach error for volume "pvc-1"`))
			},
		},
		"StartupProbe": {
			reason: "it is no readiness probe", want: health.Failed, says: "has not passed its startup probe: Startup probe failed: HTTP 503",
			change: func(r *health.Rollout) {
				probed(r, nil, &corev1.Probe{})
				late(r, up, podEvent("Unhealthy", "Startup probe failed: HTTP 503"))
			},
		},
		"ReadinessGate": {
			reason: "its containers are ready", want: health.Failed, says: `corresponding condition of pod readiness gate "lb" does not exist`,
			change: func(r *health.Rollout) {
				late(r, func(s *corev1.ContainerStatus) { s.Ready = true })
				r.Pods[0].Status.Conditions[0].Message = `corresponding condition of pod readiness gate "lb" does not exist.`
			},
		},
		"StartupKills": {
			reason: "the kubelet names the probe", want: health.Failed, says: "because its startup probe fails",
			change: func(r *health.Rollout) {
				late(r, restarted(3, 137), podEvent("Killing", "Container main failed startup probe, will be restarted"))
			},
		},
		"PostStart": {
			reason: "the hook fails, not the container", want: health.Failed, says: "because its postStart hook fails (3 restarts): exit 1",
			change: func(r *health.Rollout) {
				late(r, func(s *corev1.ContainerStatus) {
					crashed(3, "Completed", 0)(s)
					waiting("PostStartHookError", "exit 1")(s)
				})
			},
		},
		"ANodeIsNominated": {
			reason: "Karpenter adds one", want: health.Progressing, again: 15*time.Minute - 10*time.Second,
			change: func(r *health.Rollout) {
				unscheduledPod(r)
				r.FailureDeadline = 30 * time.Second
				r.Events = []*corev1.Event{podEvent("Nominated", "Pod should schedule on: nodeclaim/default-1")}
			},
		},
	})
}

// watched is a rollout under the eyes of a leader whose clock may be wrong.
type watched struct {
	reason string
	skew   time.Duration
	// at changes the rollout at a second after its acceptance.
	at    map[int]func(*health.Rollout, metav1.Time)
	until int
	want  health.State
	// from and to are the seconds between which it must come to its end.
	from, to int
}

func TestAssess_MeasuresByItself(t *testing.T) {
	creates := func(r *health.Rollout, t metav1.Time) {
		unready(r, waiting("ContainerCreating", ""))
		r.Pods[0].CreationTimestamp, r.Pods[0].Status.Conditions[0].LastTransitionTime = t, t
	}
	runs := func(r *health.Rollout, t metav1.Time) {
		s := &r.Pods[0].Status.ContainerStatuses[0]
		s.State, s.Ready = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: t}}, false
		r.Pods[0].Status.Conditions[0].Status = corev1.ConditionFalse
		r.Pods[0].Status.Conditions[0].LastTransitionTime = t
		r.Deployment.Status.AvailableReplicas = 0
	}
	serves := func(r *health.Rollout, t metav1.Time) {
		r.Pods[0].Status.ContainerStatuses[0].Ready = true
		r.Pods[0].Status.Conditions[0] = corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: t}
		r.Deployment.Status.AvailableReplicas = 1
	}
	loses := func(r *health.Rollout, t metav1.Time) {
		r.Pods[0].Status.ContainerStatuses[0].Ready = false
		r.Pods[0].Status.Conditions[0] = corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: t}
		r.Deployment.Status.AvailableReplicas = 0
	}
	says := func(reason, message string) func(*health.Rollout, metav1.Time) {
		return func(r *health.Rollout, _ metav1.Time) {
			waiting(reason, message)(&r.Pods[0].Status.ContainerStatuses[0])
		}
	}
	deadline := func(d time.Duration) func(*health.Rollout, metav1.Time) {
		return func(r *health.Rollout, t metav1.Time) { creates(r, t); r.FailureDeadline = d }
	}
	type steps = map[int]func(*health.Rollout, metav1.Time)
	tests := map[string]watched{
		"AheadProbe":      {"nobody's clock makes a pod late", 90 * time.Second, steps{1: creates, 2: runs, 30: serves}, 200, health.Healthy, 39, 43},
		"AheadNeverReady": {"it is late by the clock of who looks", 90 * time.Second, steps{1: creates, 2: runs}, 200, health.Failed, 60, 64},
		"BehindBake":      {"the bake time is not longer", -90 * time.Second, steps{1: creates, 2: runs, 3: serves}, 200, health.Healthy, 12, 15},
		"BehindFails":     {"a failure is not seen later", -90 * time.Second, steps{1: creates, 2: says("ErrImagePull", "x:1: not found")}, 200, health.Failed, 4, 7},
		"AheadDeadline":   {"a deadline is as long", 90 * time.Second, steps{1: deadline(60 * time.Second)}, 200, health.Failed, 58, 63},
		"SecretAfterPull": {"it shows for three seconds", 0, steps{1: creates, 100: says("CreateContainerConfigError", `secret "a" not found`), 103: runs, 104: serves}, 300, health.Healthy, 113, 116},
		"Blip":            {"one second without readiness", 0, steps{1: creates, 2: runs, 3: serves, 8: loses, 9: serves}, 300, health.Healthy, 18, 21},
		"LosesReadiness":  {"it does not come back", 0, steps{1: creates, 2: runs, 3: serves, 8: loses}, 300, health.Failed, 67, 70},
		"Paused": {"somebody held it back", 0, steps{
			1: func(r *health.Rollout, t metav1.Time) {
				deadline(60*time.Second)(r, t)
				r.Deployment.Spec.Paused = true
			},
			200: func(r *health.Rollout, t metav1.Time) { creates(r, t); r.Deployment.Spec.Paused = false }, 210: runs, 211: serves,
		}, 400, health.Healthy, 220, 223},
		"PausedThenStuck": {"the deadline counts from the resumption", 0, steps{
			1: func(r *health.Rollout, t metav1.Time) {
				deadline(60*time.Second)(r, t)
				r.Deployment.Spec.Paused = true
			},
			200: func(r *health.Rollout, t metav1.Time) { creates(r, t); r.Deployment.Spec.Paused = false },
		}, 400, health.Failed, 259, 263},
		"ScaledToZero": {"nothing ran", 0, steps{
			1: func(r *health.Rollout, t metav1.Time) {
				deadline(60*time.Second)(r, t)
				r.Deployment.Spec.Replicas = new(int32(0))
			},
			900: func(r *health.Rollout, t metav1.Time) { creates(r, t); r.Deployment.Spec.Replicas = new(int32(1)) }, 908: runs, 909: serves,
		}, 1000, health.Healthy, 918, 921},
		"LoopsBetweenReadiness": {"half of it ends again and again, and is ready in between", 0, func() steps {
			all := steps{1: func(r *health.Rollout, t metav1.Time) {
				more(r, 2, nil)
				r.BakeTime, r.FailureDeadline = time.Hour, 10*time.Minute
				creates(r, t)
			}}
			for at := 20; at < 1400; at += 100 {
				all[at] = func(r *health.Rollout, t metav1.Time) {
					loses(r, t)
					restarted(int32(2+at/100), 1)(&r.Pods[0].Status.ContainerStatuses[0])
					r.Pods[0].Status.ContainerStatuses[0].State.Terminated.FinishedAt = t
				}
				all[at+50] = func(r *health.Rollout, t metav1.Time) {
					s := &r.Pods[0].Status.ContainerStatuses[0]
					s.LastTerminationState = s.State
					s.RestartCount++
					runs(r, t)
					serves(r, t)
				}
			}
			return all
		}(), 1500, health.Failed, 600, 640},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := rollout()
			probed(&r, &corev1.Probe{PeriodSeconds: 10}, nil)
			r.ReadyAfter, r.Memory, r.AcceptedAt = time.Second, health.Memory{}, now.Add(tt.skew)
			r.Deployment.Status.Conditions = []appsv1.DeploymentCondition{}
			for second := 1; second <= tt.until; second++ {
				real := now.Add(time.Duration(second) * time.Second)
				if change := tt.at[second]; change != nil {
					change(&r, metav1.NewTime(real))
				}
				got := health.Assess(r, real.Add(tt.skew))
				r.Memory = got.Memory
				if got.State != health.Failed && got.State != health.Healthy {
					continue
				}
				if got.State != tt.want || second < tt.from || second > tt.to {
					t.Errorf("%s: got %q (%s) after %d s", tt.reason, got.State, got.Cause, second)
				}
				return
			}
			t.Errorf("%s: no verdict within %d s", tt.reason, tt.until)
		})
	}
}
