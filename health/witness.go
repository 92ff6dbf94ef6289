package health

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// witness is a pod, and what it tells about its revision.
type witness struct {
	pod     *corev1.Pod
	signals signals
	// silent is why the pod tells nothing about its revision, in a line; empty where it tells
	// something. Its signals are then of what fails instead.
	silent string
	// ready reports whether the pod is ready.
	ready bool
	// pending reports whether no container of the change has run. Such a pod tells nothing until it
	// has had its time to start.
	pending bool
	// since is when the pod got its node, or else was created.
	since time.Time
	// loops are the containers that end again and again, though they may run at the moment.
	loops signals
}

// witnesses are the pods of a ReplicaSet that have not ended.
type witnesses []witness

// witnesses returns what the pods of a ReplicaSet tell.
func (a *assessment) witnesses(set *appsv1.ReplicaSet, old controlGroup) witnesses {
	var all witnesses
	var gone *witness
	for _, pod := range a.Pods {
		switch {
		case !metav1.IsControlledBy(pod, set):
		case !hasEnded(pod):
			all = append(all, a.witness(pod, old))
		case !endedBySpec(pod):
			gone = &witness{pod: pod, silent: silentLine(pod, "was terminated by the cluster")}
		}
	}
	if len(all) == 0 && gone != nil {
		return witnesses{*gone} // Its successor does not exist yet.
	}
	return all
}

// silentLine returns in a line why a pod tells nothing about its revision.
func silentLine(pod *corev1.Pod, why string) string {
	return causeLine(fmt.Sprintf("pod %s %s, which this change did not cause", pod.Name, why))
}

func (a *assessment) witness(pod *corev1.Pod, old controlGroup) witness {
	w := witness{pod: pod, ready: !readySince(pod).IsZero(), since: a.began(sighting{scheduled, pod.Name, ""}, scheduledAt(pod))}
	if why := a.disruption(pod); why != "" {
		w.silent = silentLine(pod, why)
		delete(a.next, sighting{scheduled, pod.Name, ""}) // It begins anew when it is over.
		return w
	}
	template := a.templateOf(pod)
	own, added := a.ofPod(pod, w, old)
	w.signals, w.pending, w.loops = own, pendingPod(pod, template), a.loops(pod, template, crashLoopExits)
	if blamed, found := a.outsideOfTemplate(added); found && !w.ready {
		w.signals, w.loops = signals{blamed}, nil
		w.silent = causeLine("this change is not the cause, since the container is not in the Deployment: pod " + pod.Name + ", " + blamed.cause)
	}
	return w
}

// outsideOfTemplate returns the failure of a container that something added to the pod at its
// creation, such as the proxy of a service mesh, once its grace period has passed. The restored
// pods would have it too.
func (a *assessment) outsideOfTemplate(added signals) (signal, bool) {
	for _, s := range added {
		at, comes := s.due()
		if !comes || !a.now.Before(at) {
			return s, true
		}
		a.wake(at)
	}
	return signal{}, false
}

// pendingPod reports whether none of the change's containers runs or has run.
func pendingPod(pod *corev1.Pod, template *corev1.PodSpec) bool {
	for _, s := range statuses(pod) {
		if !injected(template, s.Name) && (s.State.Waiting == nil || s.RestartCount > 0) {
			return false
		}
	}
	return true
}

// injected reports whether a container is not in the template that its pod was made from.
func injected(template *corev1.PodSpec, name string) bool {
	return len(template.Containers) > 0 && containerOf(template, name) == nil
}

// telling returns the witnesses that tell something.
func (all witnesses) telling() witnesses {
	if !slices.ContainsFunc(all, func(w witness) bool { return w.silent != "" }) {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(w witness) bool { return w.silent != "" })
}

// outside returns a silent pod where all others are ready, so that the rollout waits for it only:
// one whose failure is known before one that was disrupted. It returns nil where there is none.
func (all witnesses) outside() *witness {
	var found *witness
	for i := range all {
		switch w := &all[i]; {
		case w.silent == "":
			if !w.ready {
				return nil
			}
		case found == nil || len(found.signals) == 0:
			found = w
		}
	}
	return found
}

// ofPod returns a pod's signals: those of the change's containers, and those of injected ones.
func (a *assessment) ofPod(pod *corev1.Pod, w witness, old controlGroup) (own, added signals) {
	if s, found := unscheduledPod(pod); found {
		return signals{s}, nil
	}
	template := a.templateOf(pod)
	for _, status := range statuses(pod) {
		s, fails := a.startFailure(pod, status, w)
		if !fails || s.class == weak && s.kind == starting {
			if crash, crashes := a.crash(pod, status, w); crashes {
				s, fails = crash, true
			}
		}
		if !fails {
			s, fails = a.notReady(pod, status, containerOf(template, status.Name), old)
		}
		switch {
		case !fails:
		case injected(template, status.Name):
			added = append(added, s)
		default:
			own = append(own, s)
		}
	}
	slices.SortStableFunc(own, compare)
	return own, added
}

// templateOf returns the template from which a pod was made, which has the probes.
func (a *assessment) templateOf(pod *corev1.Pod) *corev1.PodSpec {
	at := slices.IndexFunc(a.ReplicaSets, func(set *appsv1.ReplicaSet) bool { return metav1.IsControlledBy(pod, set) })
	if at < 0 {
		return &corev1.PodSpec{}
	}
	return &a.ReplicaSets[at].Spec.Template.Spec
}

func containerOf(spec *corev1.PodSpec, name string) *corev1.Container {
	for _, list := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}

// scheduledAt returns when a pod was scheduled, or else created.
func scheduledAt(pod *corev1.Pod) time.Time {
	if c := condition(pod, corev1.PodScheduled); c != nil && c.Status == corev1.ConditionTrue && !c.LastTransitionTime.IsZero() {
		return c.LastTransitionTime.Time
	}
	return pod.CreationTimestamp.Time
}

// statuses returns the statuses of a pod's init containers and containers.
func statuses(pod *corev1.Pod) []corev1.ContainerStatus {
	if len(pod.Status.InitContainerStatuses) == 0 {
		return pod.Status.ContainerStatuses
	}
	return slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
}
