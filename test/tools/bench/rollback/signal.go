package main

import (
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/health"
)

// signalled is the first instant, from since on, at which the judgement of what was stored by then
// says that the rollout has failed: the write that makes it so, or the moment at which patience is
// over. seen is in order, its times are those of the writes.
func signalled(seen []observation, since time.Time) (at time.Time, found bool) {
	objects := map[types.UID]observation{}
	for i, o := range seen {
		if o.gone {
			delete(objects, o.object.GetUID())
		} else {
			objects[o.object.GetUID()] = o
		}
		if i+1 < len(seen) && seen[i+1].at.Before(since) {
			continue
		}
		from, until := o.at, time.Time{}
		if from.Before(since) {
			from = since
		}
		if i+1 < len(seen) {
			until = seen[i+1].at
		}
		if at, found := firstFailed(rolloutOf(objects), from, until); found {
			return at, true
		}
	}
	return time.Time{}, false
}

// firstFailed is the first instant of a period without writes at which a rollout has failed. A
// period without an end has a zero one.
func firstFailed(r health.Rollout, from, until time.Time) (time.Time, bool) {
	if r.Deployment == nil {
		return time.Time{}, false
	}
	verdict := health.Assess(r, from)
	if verdict.State == health.Failed {
		return from, true
	}
	later := from.Add(verdict.RecheckAfter)
	if verdict.RecheckAfter == 0 || !until.IsZero() && later.After(until) {
		return time.Time{}, false
	}
	return later, health.Assess(r, later).State == health.Failed
}

func rolloutOf(objects map[types.UID]observation) health.Rollout {
	// A bake time that never ends leaves only failures to find.
	r := health.Rollout{BakeTime: time.Hour}
	for _, uid := range slices.Sorted(maps.Keys(objects)) {
		switch object := objects[uid].object.(type) {
		case *appsv1.Deployment:
			r.Deployment = object
		case *appsv1.ReplicaSet:
			r.ReplicaSets = append(r.ReplicaSets, object)
		case *corev1.Pod:
			r.Pods = append(r.Pods, object)
		}
	}
	return r
}
