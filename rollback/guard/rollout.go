package guard

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/health"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// deploymentField makes the ReplicaSets of a Deployment findable in the cache by its UID.
const deploymentField = "metadata.controller"

// deploymentOf returns the UID of the Deployment that controls a ReplicaSet. One without pods is in
// the cache by its metadata only and is not found: it is not assessed.
func deploymentOf(object client.Object) []string {
	set, whole := object.(*appsv1.ReplicaSet)
	if !whole {
		return nil
	}
	if owner := metav1.GetControllerOf(set); owner != nil {
		return []string{string(owner.UID)}
	}
	return nil
}

// rollout reads what is assessed, but for the Events about its pods.
func (r *Reconciler) rollout(ctx context.Context, d *appsv1.Deployment, h history.History, s workload.Settings) (health.Rollout, error) {
	h = h.Of(d.UID)
	live := h.Newest()
	rollout := health.Rollout{
		Deployment: withOwnDeadline(d, live.Spec.AcceptedTime.Time), AcceptedAt: live.Spec.AcceptedTime.Time, BakeTime: s.BakeTime, FailureDeadline: s.FailureDeadline,
		FilesChanged: filesChanged(h),
	}
	rollout.Memory = r.memories.of(client.ObjectKeyFromObject(d), live.UID)
	if healthy := h.LastHealthy(); healthy != nil {
		rollout.ReadyAfter = time.Duration(healthy.Status.ReadyAfterSeconds) * time.Second
	}
	if live.FilesOnly() {
		rollout.StartedAfter = live.Spec.AcceptedTime.Time
	}
	var sets appsv1.ReplicaSetList
	if err := r.Client.List(ctx, &sets, client.InNamespace(d.Namespace), client.MatchingFields{deploymentField: string(d.UID)}); err != nil {
		return rollout, fmt.Errorf("listing ReplicaSets of %s: %w", d.Name, err)
	}
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return rollout, fmt.Errorf("reading the selector of %s: %w", d.Name, err)
	}
	var pods corev1.PodList
	if err := r.Client.List(ctx, &pods, client.InNamespace(d.Namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return rollout, fmt.Errorf("listing Pods of %s: %w", d.Name, err)
	}
	for i := range sets.Items {
		rollout.ReplicaSets = append(rollout.ReplicaSets, &sets.Items[i])
	}
	for i := range pods.Items {
		rollout.Pods = append(rollout.Pods, &pods.Items[i])
	}
	rollout.NeverHealthy = neverWell(h, rollout.ReplicaSets)
	rollout.Nodes, err = r.nodes(ctx, rollout.Pods)
	return rollout, err
}

// filesChanged reports whether Score's files of the newest revision differ from those of the one
// before.
func filesChanged(h history.History) bool {
	return len(h) > 1 && h[len(h)-2].Spec.FilesDigest != h[len(h)-1].Spec.FilesDigest
}

// neverWell returns the ReplicaSets of revisions none of which was ever healthy. Of one that is
// adopted and Unknown that is not known.
func neverWell(h history.History, sets []*appsv1.ReplicaSet) []types.UID {
	mayBeWell := map[string]bool{} // By template hash.
	for i := range h {
		hash, phase := h[i].Spec.TemplateHash, h[i].Status.Phase
		mayBeWell[hash] = mayBeWell[hash] || phase == v1alpha1.PhaseHealthy || phase == v1alpha1.PhaseUnknown
	}
	var bad []types.UID
	for _, set := range sets {
		if well, recorded := mayBeWell[workload.ReplicaSetHash(set)]; recorded && !well {
			bad = append(bad, set.UID)
		}
	}
	return bad
}

// nodes returns those that pods run on, by name, without those that are gone.
func (r *Reconciler) nodes(ctx context.Context, pods []*corev1.Pod) (map[string]*corev1.Node, error) {
	found := map[string]*corev1.Node{}
	for _, pod := range pods {
		name := pod.Spec.NodeName
		if name == "" || found[name] != nil {
			continue
		}
		node := &corev1.Node{}
		err := r.Client.Get(ctx, client.ObjectKey{Name: name}, node)
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading node %s of pod %s: %w", name, pod.Name, err)
		}
		if err == nil {
			found[name] = node
		}
	}
	return found, nil
}

// podEvents reads what the cluster said of failing pods, by pod. It is asked for only once
// something fails, since a cache of all Events would be larger than all else, and only of what ran
// and of pods as a whole: to find a pod's events, the API server reads all of the namespace, and a
// container that never started says in its message why. What cannot be read is left out.
func podEvents(ctx context.Context, core Core, namespace string, failures []health.Failure) []*corev1.Event {
	names := map[string]bool{}
	for _, f := range failures[:min(len(failures), maxEvidence)] {
		if f.Ran || f.Container == "" && f.Reason != "FailedCreate" {
			names[f.Pod] = true
		}
	}
	var all []*corev1.Event
	for _, name := range slices.Sorted(maps.Keys(names)) {
		about := fields.Set{"involvedObject.kind": "Pod", "involvedObject.name": name}
		list, err := core.Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: about.String()})
		if err != nil {
			continue
		}
		for i := range list.Items {
			all = append(all, &list.Items[i])
		}
	}
	return all
}
