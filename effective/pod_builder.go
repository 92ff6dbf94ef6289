package effective

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// podBuilder is a pod on its way through the API server, and what was noted on the way.
type podBuilder struct {
	ns            *Namespace
	pod           *corev1.Pod
	defaultedFrom map[string]Cause
	violations    []Violation
	unknown       []Unknown
	// unsettled tells that some default resources are not certain: the LimitRanges
	// are unknown, or two of them contradict each other.
	unsettled bool
	// unsettledAt holds the paths of the values about which LimitRanges disagree.
	unsettledAt map[string]bool
}

// isDecided reports whether a resource's request and limit at a place are certain. Those of the pod
// depend on all containers'.
func (d *podBuilder) isDecided(at place, name corev1.ResourceName) bool {
	if at == podPlace {
		return !d.unsettled
	}
	return !d.unsettledAt[at.request(name)] && !d.unsettledAt[at.limit(name)]
}

func (d *podBuilder) report(o Violation) {
	d.violations = append(d.violations, o)
}

// markUnknown reports whether a kind is unknown, and notes it if so.
func (d *podBuilder) markUnknown(kind Kind) bool {
	reason, unknown := d.ns.Unknown[kind]
	if unknown {
		d.unknown = append(d.unknown, Unknown{Kind: kind, Reason: reason})
	}
	return unknown
}

// result sorts what was noted, so that equal input gives equal output.
func (d *podBuilder) result() Result {
	// What PodSecurity's checks say stays in their own order.
	slices.SortStableFunc(d.violations, func(a, b Violation) int {
		return cmp.Or(
			cmp.Compare(a.Rule.rank(), b.Rule.rank()),
			cmp.Compare(a.Field, b.Field),
			cmp.Compare(a.Container, b.Container),
			cmp.Compare(a.Resource, b.Resource),
			cmp.Compare(a.Cause.Name, b.Cause.Name),
		)
	})
	slices.SortFunc(d.unknown, func(a, b Unknown) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Reason, b.Reason))
	})
	return Result{
		Pod:           d.pod,
		DefaultedFrom: d.defaultedFrom,
		Violations:    d.violations,
		Unknown:       slices.Compact(d.unknown),
	}
}
