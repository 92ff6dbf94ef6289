// Package health judges a rollout: a Deployment, its ReplicaSets and Pods as of now in, a verdict with its
// evidence out. It holds no client and no clock.
package health

import (
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

// Rollout is what is judged.
type Rollout struct {
	Deployment *appsv1.Deployment
	// ReplicaSets are those that the Deployment controls, old ones included.
	ReplicaSets []*appsv1.ReplicaSet
	// Pods are those that the ReplicaSets control.
	Pods []*corev1.Pod
	// AcceptedAt is when the revision was accepted; the failure deadline counts from here.
	AcceptedAt time.Time
	// StartedAfter, where it is set, leaves out what containers did that started before: only the files changed,
	// and they know the old ones.
	StartedAfter time.Time
	// BakeTime is how long a completed rollout must stay well.
	BakeTime time.Duration
	// FailureDeadline is when weak signals have become a failure; zero means the Deployment's own.
	FailureDeadline time.Duration
}

// Verdict is the outcome of a judgement.
type Verdict struct {
	State State
	// Cause is why, in one line.
	Cause string
	// Failures are the containers, or pods that could not be created, that made it Failed.
	Failures []Failure
	// Again is after how long the judgement may change without any of its inputs changing; zero means never.
	Again time.Duration
}

// Failure is one failing container, or a pod that could not be created.
type Failure struct {
	Pod       string
	Container string
	Reason    string
	Message   string
	// ExitCode is that of the container's last end, nil where it never ran.
	ExitCode     *int32
	RestartCount int32
	// cause says it in one line.
	cause string
	// since is the moment from which patience counts.
	since time.Time
	// patience is how long the signal must last before it is a failure.
	patience time.Duration
}

// Judge judges a rollout as of now.
func Judge(r Rollout, now time.Time) Verdict {
	if why := unknowable(r.Deployment); why != "" {
		return Verdict{Cause: why}
	}
	current := newReplicaSet(r.Deployment, r.ReplicaSets)
	if current == nil {
		return Verdict{State: Progressing, Cause: "the ReplicaSet is not there yet"}
	}
	pods := podsOf(current, r.Pods)
	verdict := failure(r, current, pods, now)
	if verdict.State == Failed {
		return verdict
	}
	if why := incomplete(r.Deployment); why != "" {
		return Verdict{State: Progressing, Cause: why, Again: verdict.Again}
	}
	return baked(r, pods, now)
}

// unknowable says why a rollout cannot be judged, or nothing.
func unknowable(d *appsv1.Deployment) string {
	switch {
	case d.DeletionTimestamp != nil:
		return "the Deployment is being deleted"
	case d.Status.ObservedGeneration < d.Generation:
		return "the deployment controller has not seen this generation yet"
	case d.Spec.Paused:
		return "the rollout is paused"
	case desired(d) == 0:
		return "scaled to zero: nothing runs that could be judged"
	default:
		return ""
	}
}

func desired(d *appsv1.Deployment) int32 {
	if d.Spec.Replicas == nil {
		return 1
	}
	return *d.Spec.Replicas
}

// incomplete says what a rollout still waits for, or nothing: the conditions of completeness of
// k8s.io/kubernetes/pkg/controller/deployment/util/deployment_util.go (DeploymentComplete).
func incomplete(d *appsv1.Deployment) string {
	want, s := desired(d), d.Status
	switch {
	case s.UpdatedReplicas < want:
		return progress(s.UpdatedReplicas, want, "updated")
	case s.Replicas > s.UpdatedReplicas:
		return "old pods are still there"
	case s.AvailableReplicas < want:
		return progress(s.AvailableReplicas, want, "available")
	default:
		return ""
	}
}

// baked says whether the pods have been well for the bake time.
func baked(r Rollout, pods []*corev1.Pod, now time.Time) Verdict {
	since := r.AcceptedAt
	for _, pod := range pods {
		if !startedAfter(pod, r.StartedAfter) {
			return Verdict{State: Progressing, Cause: "pod " + pod.Name + " started before the files changed and may still know the old ones"}
		}
		ready := readySince(pod)
		if ready.IsZero() {
			return Verdict{State: Progressing, Cause: "pod " + pod.Name + " is not ready"}
		}
		if ready.After(since) {
			since = ready
		}
	}
	if left := since.Add(r.BakeTime).Sub(now); left > 0 {
		return Verdict{State: Progressing, Cause: "available, and watched for the bake time", Again: left}
	}
	return Verdict{State: Healthy, Cause: "available and well for the bake time"}
}
