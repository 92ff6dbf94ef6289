package health

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// oldLoopExits is how often a container of an old pod must have exited to excuse the change. It is
// less than a failure needs: where unsure, nothing is rolled back.
const oldLoopExits = 2

// controlGroup holds the pods of earlier revisions that may have been healthy. They run in the same
// environment without the change.
type controlGroup struct {
	// pods are those that tell something.
	pods witnesses
	// sets are their ReplicaSets.
	sets []*appsv1.ReplicaSet
	// slowest is the longest time from the start of a pod's containers until it was ready; zero where
	// it is not known.
	slowest time.Duration
}

func (a *assessment) controls(current *appsv1.ReplicaSet) controlGroup {
	old := controlGroup{slowest: a.ReadyAfter}
	for _, set := range a.ReplicaSets {
		if set.UID == current.UID || !metav1.IsControlledBy(set, a.Deployment) || slices.Contains(a.NeverHealthy, set.UID) {
			continue
		}
		old.sets = append(old.sets, set)
		old.pods = append(old.pods, a.witnesses(set, controlGroup{}).telling()...)
	}
	for _, w := range old.pods {
		old.slowest = max(old.slowest, timeToReady(w.pod))
	}
	return old
}

// ReadyAfter returns how long the slowest pod of a Deployment's own template took until it was
// ready; zero where none is ready.
func ReadyAfter(r Rollout) time.Duration {
	var longest time.Duration
	for _, pod := range PodsOf(r) {
		longest = max(longest, timeToReady(pod))
	}
	return longest
}

// timeToReady returns the time from the start of a pod's containers until it was ready, at least a
// second; zero for a pod that is not ready. For a pod that became ready again it is too long, which
// only extends a grace period.
func timeToReady(pod *corev1.Pod) time.Duration {
	var longest time.Duration
	became := readySince(pod)
	for _, s := range pod.Status.ContainerStatuses {
		if !became.IsZero() && s.State.Running != nil && !s.State.Running.StartedAt.IsZero() {
			longest = max(longest, became.Sub(s.State.Running.StartedAt.Time), time.Second)
		}
	}
	return longest
}

// sharedFailure returns a reason where old pods fail the same way, so that the change is not the
// cause, and until when the reason holds; zero where it holds until something changes. Half of the
// old pods must fail so: one alone may be on a bad node, as one new pod may. It returns none where
// Score's files changed, since old pods mount the new files too.
func (a *assessment) sharedFailure(failing signals, old controlGroup) (why string, until time.Time) {
	if len(failing) == 0 || a.FilesChanged {
		return "", time.Time{}
	}
	for _, set := range old.sets {
		if s, refused := refusal(set); refused && (set.Spec.Replicas == nil || *set.Spec.Replicas > 0) && slices.ContainsFunc(failing, s.resembles) {
			return causeLine("the pods of ReplicaSet " + set.Name + " are rejected too, so this change is not the cause: " + s.cause), time.Time{}
		}
	}
	alike := 0
	for _, w := range old.pods {
		shared := append(slices.Clone(w.signals), a.loops(w.pod, a.templateOf(w.pod), oldLoopExits)...)
		at := slices.IndexFunc(shared, func(s signal) bool { return slices.ContainsFunc(failing, s.resembles) })
		if at < 0 {
			continue
		}
		s := shared[at]
		if alike++; alike == 1 {
			why = causeLine(fmt.Sprintf("old pods fail the same way, so this change is not the cause: pod %s, %s", s.Pod, s.cause))
		}
		if !s.until.IsZero() && (until.IsZero() || s.until.Before(until)) {
			until = s.until
		}
	}
	if 2*alike < len(old.pods) {
		return "", time.Time{}
	}
	return why, until
}

// resembles reports whether two signals are of the same failure, whatever the words.
func (s signal) resembles(other signal) bool {
	if s.kind != other.kind || s.Container != other.Container {
		return false
	}
	switch s.kind {
	case crashes:
		return (s.Reason == "OOMKilled") == (other.Reason == "OOMKilled")
	case imagePull, starting, uncreated:
		return s.class == other.class
	default:
		return true
	}
}
