// Package health decides whether a rollout is healthy. It takes a Deployment, its ReplicaSets,
// Pods, Nodes and the Events about its Pods, and returns a verdict with evidence. It has no client
// and no clock.
//
// rollout.go defines the input. crash.go, starting.go, ready.go and create.go detect failures, each
// with a class (class.go). disruption.go and control.go exclude failures that the change did not
// cause. deadline.go and bake.go decide by time. docs/health.md describes the rules for users.
package health

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// State is the result of an assessment.
type State string

const (
	// Unknown means that the evidence allows no decision. It is the zero value, and no action follows
	// from it.
	Unknown State = ""
	// Progressing means that the rollout is not complete or that its bake time has not passed.
	Progressing State = "Progressing"
	// Healthy means that the rollout is complete and stayed ready for the bake time.
	Healthy State = "Healthy"
	// Failed means that the rollout is not expected to recover by itself.
	Failed State = "Failed"
)

// Verdict is the state of a rollout, with evidence.
type Verdict struct {
	State State
	// Cause is the reason in one line of at most maxCause bytes.
	Cause string
	// Failures are the failing containers and the pods that could not be created or scheduled, the
	// most certain first. Where State is Unknown, the change did not cause them.
	Failures []Failure
	// External reports whether the cause may lie outside the deployed change, such as in a Secret or
	// at a registry, and may resolve by itself.
	External bool
	// Since is when the first known failure began; zero where there is none.
	Since time.Time
	// RecheckAfter is when the state may change although no input changes; zero means never.
	RecheckAfter time.Duration
}

// Failure is a failing container, or a pod that could not be created or scheduled.
type Failure struct {
	// Pod is the pod's name, or the ReplicaSet's where no pod could be created.
	Pod string
	// Container is empty where the pod as a whole fails.
	Container string
	// Reason and Message are Kubernetes' own.
	Reason  string
	Message string
	// ExitCode is the code of the container's last exit; nil where it never exited.
	ExitCode     *int32
	RestartCount int32
	// Ran reports whether the container has run and therefore has a log.
	Ran bool
}

// Assess assesses a rollout as of now.
func Assess(r Rollout, now time.Time) Verdict {
	if why := undecidable(r.Deployment); why != "" {
		return Verdict{Cause: why}
	}
	r = r.ordered()
	current := newReplicaSet(r.Deployment, r.ReplicaSets)
	if current == nil {
		return r.byDeadline(Verdict{State: Progressing, Cause: "waiting for the ReplicaSet"}, now)
	}
	pods, inconclusive := r.conclusivePods(current)
	old := r.controls(current)
	failing := r.failing(current, pods, old)
	verdict := failing.verdict(len(pods), now)
	if why, until := r.sharedFailure(failing, old, now); why != "" {
		return failing.unattributed(verdict, why, until, len(pods), now)
	}
	if verdict.State == Failed {
		return verdict
	}
	if why := incomplete(r.Deployment); why != "" {
		if len(failing) == 0 && inconclusive != "" {
			return Verdict{Cause: inconclusive, RecheckAfter: disruptionRecheck}
		}
		return r.byDeadline(failing.pending(why, len(pods), now), now)
	}
	if len(failing) > 0 {
		return failing.pending("complete, but pods fail", len(pods), now)
	}
	return r.baked(pods, now)
}

// failing returns the signals of a rollout, the most certain first.
func (r Rollout) failing(current *appsv1.ReplicaSet, pods []*corev1.Pod, old controlGroup) signals {
	var all signals
	if uncreated, found := createFailure(current); found {
		all = append(all, uncreated)
	}
	for _, pod := range pods {
		all = append(all, r.ofPod(pod, old)...)
	}
	slices.SortStableFunc(all, compare)
	return all
}
