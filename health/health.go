// Package health judges a rollout: a Deployment, its ReplicaSets, Pods, Nodes and the Events about
// its Pods as of now in, a verdict with its evidence out. It holds no client and no clock.
//
// rollout.go says what is judged; crash.go, starting.go, ready.go and refused.go find what fails,
// each with its class (class.go); veto.go takes out what is not the change's fault; deadline.go and
// bake.go judge by time. docs/health.md is the same for people.
package health

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// State is what a judgement comes to.
type State string

const (
	// Unknown means that it cannot be told; it is the zero value, and nothing may be done on it.
	Unknown State = ""
	// Progressing means that the rollout is under way or has not yet stayed well for the bake time.
	Progressing State = "Progressing"
	// Healthy means that the rollout is complete and stayed well for the bake time.
	Healthy State = "Healthy"
	// Failed means that the rollout will not become well by itself.
	Failed State = "Failed"
)

// Verdict is the outcome of a judgement.
type Verdict struct {
	State State
	// Cause is why, in one line of at most maxCause bytes.
	Cause string
	// Failures are what fails, what tells most first: containers, or pods that could not be created or
	// placed. Where the state is Unknown, they would be a failure of the rollout, were they its fault.
	Failures []Failure
	// Outside says that the cause may lie outside of what was deployed, such as in a Secret or at a
	// registry, and heal by itself.
	Outside bool
	// Since is when the first of what fails began, as far as it is known; zero where nothing does.
	Since time.Time
	// Again is after how long the state may change without any of the inputs changing; zero means
	// never.
	Again time.Duration
}

// Failure is a failing container, or a pod that could not be created or placed.
type Failure struct {
	// Pod is its name, or the ReplicaSet's where no pod could be created.
	Pod string
	// Container is empty where the pod as a whole fails.
	Container string
	// Reason and Message are Kubernetes' own.
	Reason  string
	Message string
	// ExitCode is that of the container's last end, nil where it never ended.
	ExitCode     *int32
	RestartCount int32
	// Ran says whether the container has run, and so has a log.
	Ran bool
}

// Judge judges a rollout as of now.
func Judge(r Rollout, now time.Time) Verdict {
	if why := unknowable(r.Deployment); why != "" {
		return Verdict{Cause: why}
	}
	r = r.ordered()
	current := newReplicaSet(r.Deployment, r.ReplicaSets)
	if current == nil {
		return r.byDeadline(Verdict{State: Progressing, Cause: "the ReplicaSet is not there yet"}, now)
	}
	pods, vetoed := r.telling(current)
	old := r.controls(current)
	failing := r.failing(current, pods, old)
	verdict := failing.verdict(len(pods), now)
	if why, until := r.alike(failing, old, now); why != "" {
		return failing.excused(verdict, why, until, len(pods), now)
	}
	if verdict.State == Failed {
		return verdict
	}
	if why := incomplete(r.Deployment); why != "" {
		if len(failing) == 0 && vetoed != "" {
			return Verdict{Cause: vetoed, Again: vetoRecheck}
		}
		return r.byDeadline(failing.pending(why, len(pods), now), now)
	}
	if len(failing) > 0 {
		return failing.pending("complete, but something fails", len(pods), now)
	}
	return r.baked(pods, now)
}

// failing are the signals of a rollout, what tells most first.
func (r Rollout) failing(current *appsv1.ReplicaSet, pods []*corev1.Pod, old controlGroup) signals {
	var all signals
	if refused, found := refusedCreate(current); found {
		all = append(all, refused)
	}
	for _, pod := range pods {
		all = append(all, r.ofPod(pod, old)...)
	}
	slices.SortStableFunc(all, compare)
	return all
}
