// Package health decides whether a rollout is healthy. It takes a Deployment, its ReplicaSets,
// Pods, Nodes and the Events about its Pods, and returns a verdict with evidence. It has no client
// and no clock.
//
// rollout.go defines the input, and memory.go what earlier assessments saw. crash.go, starting.go,
// ready.go, create.go and ended.go detect failures, each with a class (class.go). words.go lists
// the messages by which they are known. witness.go, disruption.go and control.go exclude failures
// that the change did not cause. deadline.go and bake.go decide by time. docs/health.md describes
// the rules for users.
package health

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
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
	// Memory is what this assessment saw, for the next one.
	Memory Memory
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
	a := newAssessment(r, now)
	verdict := a.verdict()
	if left := a.again.Sub(now); left > 0 && (verdict.RecheckAfter == 0 || left < verdict.RecheckAfter) {
		verdict.RecheckAfter = left
	}
	verdict.Memory = a.next
	return verdict
}

func (a *assessment) verdict() Verdict {
	if why := undecidable(a.Deployment); why != "" {
		return Verdict{Cause: why}
	}
	// The deadline counts from when the rollout could proceed, not from when it was accepted.
	since := a.began(sighting{what: runnable}, a.AcceptedAt)
	current := newReplicaSet(a.Deployment, a.ReplicaSets)
	if current == nil {
		return a.byDeadline(Verdict{State: Progressing, Cause: "waiting for the ReplicaSet"}, since, nil, controlGroup{})
	}
	old := a.controls(current)
	seen := a.witnesses(current, old)
	failing := a.failing(current, seen)
	verdict := failing.verdict(seen, a.now)
	if why, until := a.sharedFailure(failing, old); why != "" {
		return failing.unattributed(verdict, why, until, seen, a.now)
	}
	if verdict.State == Failed {
		return verdict
	}
	why := incomplete(a.Deployment)
	if outside := seen.outside(); outside != nil && len(failing) == 0 && (why != "" || len(seen.telling()) == 0) {
		return Verdict{Cause: outside.silent, Failures: outside.signals.failures(), RecheckAfter: disruptionRecheck}
	}
	if unsteady, found := a.neverSteady(failing, seen, old); found {
		return unsteady
	}
	switch {
	case why != "":
		return a.byDeadline(failing.pending(why, seen, a.now), since, seen, old)
	case len(failing) > 0:
		return failing.pending("complete, but pods fail", seen, a.now)
	default:
		return a.baked(seen)
	}
}

// failing returns the signals of a rollout, the most certain first.
func (a *assessment) failing(current *appsv1.ReplicaSet, seen witnesses) signals {
	var all signals
	if uncreated, found := a.createFailure(current, seen); found {
		all = append(all, uncreated)
	}
	if ended, found := a.endedPods(current); found && incomplete(a.Deployment) != "" {
		all = append(all, ended)
	}
	for _, w := range seen {
		if w.silent == "" {
			all = append(all, w.signals...)
		}
	}
	slices.SortStableFunc(all, compare)
	return all
}
