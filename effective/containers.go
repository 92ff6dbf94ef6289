package effective

import (
	"iter"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// place is where in a pod something stands. Its path is put together only when
// somebody asks for it.
type place struct {
	// list and index say which container or volume: containers, 0. An empty list
	// is the pod as a whole.
	list  string
	index int
	// container is the container's name, empty for the pod and its volumes.
	container string
}

// podPlace is the place of the pod-level resources.
var podPlace = place{}

// The lists of a pod's spec in which a place may be.
const (
	inContainers     = "containers"
	inInitContainers = "initContainers"
	inVolumes        = "volumes"
)

// path returns the place's path as the API server writes it: spec.containers[0], or spec.
func (p place) path() string {
	if p.list == "" {
		return "spec"
	}
	return "spec." + p.list + "[" + strconv.Itoa(p.index) + "]"
}

// limit returns the path of one limit, such as spec.containers[0].resources.limits[memory].
func (p place) limit(name corev1.ResourceName) string {
	return p.path() + ".resources.limits[" + string(name) + "]"
}

// request returns the path of one request.
func (p place) request(name corev1.ResourceName) string {
	return p.path() + ".resources.requests[" + string(name) + "]"
}

// String names the place in a sentence.
func (p place) String() string {
	switch p.list {
	case "":
		return "the pod"
	case inInitContainers:
		return "init container " + p.container
	default:
		return "container " + p.container
	}
}

// containers yields the containers that have resources, in the API server's
// order: the regular ones, then the init containers (sidecars among them).
func containers(spec *corev1.PodSpec) iter.Seq2[place, *corev1.Container] {
	return func(yield func(place, *corev1.Container) bool) {
		for i := range spec.Containers {
			c := &spec.Containers[i]
			if !yield(place{inContainers, i, c.Name}, c) {
				return
			}
		}
		for i := range spec.InitContainers {
			c := &spec.InitContainers[i]
			if !yield(place{inInitContainers, i, c.Name}, c) {
				return
			}
		}
	}
}
