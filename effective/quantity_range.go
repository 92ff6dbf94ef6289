package effective

import (
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"reprise.dev/reprise/internal/quantity"
)

// OutOfRange returns the violations of RuleQuantity in a template, which need no namespace.
func OutOfRange(template *corev1.PodTemplateSpec) []Violation {
	d := &podBuilder{pod: podFrom(template, "")}
	d.limitQuantities()
	return d.result().Violations
}

// limitQuantities replaces every quantity beyond the range of quantities by the largest or smallest
// one, and reports those of the template. All that follows computes with these amounts, for which
// resource.Quantity is quick. The API server has no such rule: it computes with all digits, and
// so may not answer within its own timeout.
func (d *podBuilder) limitQuantities() {
	spec := &d.pod.Spec
	for at, c := range containers(spec) {
		d.limitList(at, c.Resources.Limits, at.limit)
		d.limitList(at, c.Resources.Requests, at.request)
		d.limitDivisors(at, c.Env)
	}
	if spec.Resources != nil {
		d.limitList(podPlace, spec.Resources.Limits, podPlace.limit)
		d.limitList(podPlace, spec.Resources.Requests, podPlace.request)
	}
	d.limitList(podPlace, spec.Overhead, func(name corev1.ResourceName) string { return "spec.overhead[" + string(name) + "]" })
	for i := range spec.Volumes {
		d.limitVolume(place{list: inVolumes, index: i}, &spec.Volumes[i])
	}
}

func (d *podBuilder) limitList(at place, list corev1.ResourceList, path func(corev1.ResourceName) string) {
	for name, amount := range list {
		if quantity.IsQuick(amount) {
			continue
		}
		d.limitQuantity(at, path(name), name, &amount)
		list[name] = amount
	}
}

func (d *podBuilder) limitDivisors(at place, env []corev1.EnvVar) {
	for i := range env {
		if from := env[i].ValueFrom; from != nil && from.ResourceFieldRef != nil {
			d.limitQuantity(at, at.path()+".env["+strconv.Itoa(i)+"].valueFrom.resourceFieldRef.divisor", "", &from.ResourceFieldRef.Divisor)
		}
	}
}

func (d *podBuilder) limitVolume(at place, volume *corev1.Volume) {
	items := func(path string, files []corev1.DownwardAPIVolumeFile) {
		for i := range files {
			if from := files[i].ResourceFieldRef; from != nil {
				d.limitQuantity(at, path+".items["+strconv.Itoa(i)+"].resourceFieldRef.divisor", "", &from.Divisor)
			}
		}
	}
	if v := volume.EmptyDir; v != nil && v.SizeLimit != nil {
		d.limitQuantity(at, at.path()+".emptyDir.sizeLimit", "", v.SizeLimit)
	}
	if v := volume.DownwardAPI; v != nil {
		items(at.path()+".downwardAPI", v.Items)
	}
	if v := volume.Projected; v != nil {
		for i := range v.Sources {
			if s := v.Sources[i].DownwardAPI; s != nil {
				items(at.path()+".projected.sources["+strconv.Itoa(i)+"].downwardAPI", s.Items)
			}
		}
	}
	if v := volume.Ephemeral; v != nil && v.VolumeClaimTemplate != nil {
		path := at.path() + ".ephemeral.volumeClaimTemplate.spec.resources"
		claim := &v.VolumeClaimTemplate.Spec.Resources
		d.limitList(at, claim.Limits, func(name corev1.ResourceName) string { return path + ".limits[" + string(name) + "]" })
		d.limitList(at, claim.Requests, func(name corev1.ResourceName) string { return path + ".requests[" + string(name) + "]" })
	}
}

func (d *podBuilder) limitQuantity(at place, path string, name corev1.ResourceName, amount *resource.Quantity) {
	stated := *amount
	limited, inRange := quantity.Limit(stated)
	if *amount = limited; inRange {
		return
	}
	than, limit := "more", int64(quantity.Max)
	if stated.Sign() < 0 {
		than, limit = "less", -limit
	}
	text := quantity.Text(stated)
	d.report(Violation{
		Rule: RuleQuantity, Field: path, Container: at.container, Resource: name,
		Requested: text, Allowed: strconv.FormatInt(limit, 10),
		Message: fmt.Sprintf("%s is %s than %d, the limit of Kubernetes for quantities", text, than, limit),
		Fix:     "write an amount that a node can have, such as 512Mi or 250m",
	})
}

// limitNamespace returns the namespace's data with the same limits. Only what is beyond them is
// copied.
func limitNamespace(ns Namespace) Namespace {
	ns.LimitRanges = limitObjects(ns.LimitRanges, func(lr *corev1.LimitRange) []corev1.ResourceList {
		var lists []corev1.ResourceList
		for i := range lr.Spec.Limits {
			item := &lr.Spec.Limits[i]
			lists = append(lists, item.Max, item.Min, item.Default, item.DefaultRequest, item.MaxLimitRequestRatio)
		}
		return lists
	})
	ns.ResourceQuotas = limitObjects(ns.ResourceQuotas, func(q *corev1.ResourceQuota) []corev1.ResourceList {
		return []corev1.ResourceList{q.Status.Hard, q.Status.Used}
	})
	ns.RuntimeClasses = limitObjects(ns.RuntimeClasses, func(c *nodev1.RuntimeClass) []corev1.ResourceList {
		if c.Overhead == nil {
			return nil
		}
		return []corev1.ResourceList{c.Overhead.PodFixed}
	})
	return ns
}

func limitObjects[T any, P interface {
	*T
	DeepCopy() P
}](objects []P, lists func(P) []corev1.ResourceList) []P {
	beyond := func(object P) bool {
		return slices.ContainsFunc(lists(object), func(list corev1.ResourceList) bool {
			for _, amount := range list {
				if !quantity.IsQuick(amount) {
					return true
				}
			}
			return false
		})
	}
	if !slices.ContainsFunc(objects, beyond) {
		return objects
	}
	limited := slices.Clone(objects)
	for i, object := range objects {
		if !beyond(object) {
			continue
		}
		limited[i] = object.DeepCopy()
		for _, list := range lists(limited[i]) {
			for name, amount := range list {
				list[name], _ = quantity.Limit(amount)
			}
		}
	}
	return limited
}
