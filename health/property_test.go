package health_test

import (
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/health"
)

// random returns a rollout of anything that a status may hold, half-empty objects included.
func random(rng *rand.Rand) health.Rollout {
	r := rollout()
	at := func() metav1.Time { return ago(time.Duration(rng.IntN(200)) * time.Second) }
	pick := func(all ...string) string { return all[rng.IntN(len(all))] }
	probed(&r, &corev1.Probe{PeriodSeconds: int32(rng.IntN(20))}, nil)
	r.Pods = nil
	for i := range rng.IntN(6) {
		p := pod(r.ReplicaSets[rng.IntN(2)].UID)
		p.Name, p.CreationTimestamp = string(rune('a'+i)), at()
		s := &p.Status.ContainerStatuses[0]
		s.Ready, s.RestartCount = rng.IntN(2) == 0, int32(rng.IntN(4))
		switch rng.IntN(5) {
		case 0:
			s.State.Running = &corev1.ContainerStateRunning{StartedAt: at()}
			if rng.IntN(2) == 0 {
				s.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1, FinishedAt: at()}
			}
		case 1:
			s.State.Terminated = &corev1.ContainerStateTerminated{ExitCode: int32(rng.IntN(2)), StartedAt: at()}
		case 2:
			s.State.Waiting = &corev1.ContainerStateWaiting{
				Reason:  pick("ErrImagePull", "CreateContainerConfigError", "CrashLoopBackOff", "RunContainerError", "InvalidImageName"),
				Message: pick("not found", "dial tcp", "no such file or directory", ""),
			}
			s.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1}
		case 3:
			p.Status = corev1.PodStatus{}
		}
		if rng.IntN(3) == 0 {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse}}
		}
		r.Pods = append(r.Pods, p)
	}
	if rng.IntN(4) == 0 {
		r.ReplicaSets[0].Status.Conditions = []appsv1.ReplicaSetCondition{{
			Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate",
			Message: pick("exceeded quota", "is invalid", "failed calling webhook"), LastTransitionTime: at(),
		}}
	}
	r.FailureDeadline = time.Duration(rng.IntN(3)*100) * time.Second
	r.AcceptedAt = at().Time
	r.BakeTime = time.Duration(rng.IntN(40)) * time.Second
	r.Deployment.Status.AvailableReplicas = int32(rng.IntN(2))
	if rng.IntN(3) == 0 {
		r.Nodes = node(corev1.ConditionTrue)
		placed(&r)
	}
	return r
}

func TestAssess_IgnoresTheOrderOfItsInputs(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := random(rng)
		want := health.Assess(r, now)
		rng.Shuffle(len(r.Pods), func(i, j int) { r.Pods[i], r.Pods[j] = r.Pods[j], r.Pods[i] })
		rng.Shuffle(len(r.ReplicaSets), func(i, j int) { r.ReplicaSets[i], r.ReplicaSets[j] = r.ReplicaSets[j], r.ReplicaSets[i] })
		if diff := cmp.Diff(want, health.Assess(r, now), cmp.Comparer(maps.Equal[health.Memory, health.Memory])); diff != "" {
			t.Fatalf("seed %d: the verdict depends on the order (-want +got):\n%s", seed, diff)
		}
	}
}

func TestAssess_ChangesOnlyAtRecheckAfter(t *testing.T) {
	for seed := range uint64(2000) {
		r := random(rand.New(rand.NewPCG(seed, 2)))
		at := now
		for range 10 {
			verdict := health.Assess(r, at)
			if verdict.RecheckAfter < 0 {
				t.Fatalf("seed %d: assess again after %s", seed, verdict.RecheckAfter)
			}
			until := at.Add(verdict.RecheckAfter - 1)
			if verdict.RecheckAfter == 0 {
				until = at.Add(24 * time.Hour)
			}
			for _, later := range []time.Time{at.Add(until.Sub(at) / 2), until} {
				if got := health.Assess(r, later); got.State != verdict.State {
					t.Fatalf("seed %d: %q (%s) became %q (%s) after %s, announced was %s",
						seed, verdict.State, verdict.Cause, got.State, got.Cause, later.Sub(at), verdict.RecheckAfter)
				}
			}
			if verdict.RecheckAfter == 0 {
				break
			}
			at = at.Add(verdict.RecheckAfter)
		}
	}
}

func BenchmarkAssess(b *testing.B) {
	r := rollout()
	more(&r, 50, nil)
	for b.Loop() {
		if got := health.Assess(r, now); got.State == health.Failed {
			b.Fatal(got.Cause)
		}
	}
}
