package effective

import (
	"fmt"
	"maps"
	"slices"

	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// applyRuntimeClass takes over the overhead and node selector of the pod's
// RuntimeClass (plugin/pkg/admission/runtimeclass/admission.go). Its tolerations
// are left out.
func (d *podBuilder) applyRuntimeClass() {
	spec := &d.pod.Spec
	var class *nodev1.RuntimeClass
	if spec.RuntimeClassName != nil {
		if d.markUnknown(KindRuntimeClass) {
			return
		}
		if class = d.runtimeClass(*spec.RuntimeClassName); class == nil {
			d.reportRuntimeClass("spec.runtimeClassName", *spec.RuntimeClassName, "",
				fmt.Sprintf("RuntimeClass %s does not exist", *spec.RuntimeClassName),
				"create the RuntimeClass, or name one that exists in runtimeClassName")
			return
		}
	}
	d.setOverhead(class)
	if class != nil && class.Scheduling != nil {
		d.selectNodes(class.Scheduling.NodeSelector)
	}
}

// setOverhead sets the pod's overhead to its class's; the template may repeat it but not differ.
// Overhead without a class that has any is rejected later.
func (d *podBuilder) setOverhead(class *nodev1.RuntimeClass) {
	spec := &d.pod.Spec
	if class == nil || class.Overhead == nil {
		return
	}
	fixed := class.Overhead.PodFixed.DeepCopy()
	roundUp(fixed)
	if len(spec.Overhead) > 0 && !equality.Semantic.DeepEqual(fixed, spec.Overhead) {
		d.reportRuntimeClass("spec.overhead", listed(spec.Overhead), listed(fixed),
			fmt.Sprintf("RuntimeClass %s has the overhead %s, the pod states %s", class.Name, listed(fixed), listed(spec.Overhead)),
			"leave overhead out: the API server sets it from the RuntimeClass")
		return
	}
	spec.Overhead = fixed
	if len(fixed) > 0 {
		d.defaultedFrom["spec.overhead"] = Cause{Kind: KindRuntimeClass, Name: class.Name}
	}
}

// checkOverhead rejects overhead that no RuntimeClass sets. Unlike the rest, this is checked in the
// validating phase (admission.go, validateOverhead).
func (d *podBuilder) checkOverhead() {
	spec := &d.pod.Spec
	if len(spec.Overhead) == 0 {
		return
	}
	if spec.RuntimeClassName != nil {
		if !d.ns.knows(KindRuntimeClass) {
			return
		}
		class := d.runtimeClass(*spec.RuntimeClassName)
		if class == nil || class.Overhead != nil {
			return
		}
	}
	d.report(Violation{
		Rule: RuleOverhead, Field: "spec.overhead", Requested: listed(spec.Overhead), Exact: true,
		Message: fmt.Sprintf("the pod states the overhead %s, but no RuntimeClass of it has any", listed(spec.Overhead)),
		Fix:     "leave overhead out: the API server sets it from the RuntimeClass",
	})
}

// selectNodes adds the class's node selector; the template may not contradict it.
func (d *podBuilder) selectNodes(selector map[string]string) {
	spec := &d.pod.Spec
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		if stated, ok := spec.NodeSelector[key]; ok && stated != selector[key] {
			d.reportRuntimeClass("spec.nodeSelector["+key+"]", stated, selector[key],
				fmt.Sprintf("RuntimeClass %s selects nodes with %s=%s, the pod selects %s=%s",
					*spec.RuntimeClassName, key, selector[key], key, stated),
				"remove the key from nodeSelector")
			continue
		}
		if spec.NodeSelector == nil {
			spec.NodeSelector = map[string]string{}
		}
		spec.NodeSelector[key] = selector[key]
	}
}

func (d *podBuilder) reportRuntimeClass(path, requested, allowed, message, fix string) {
	o := Violation{
		Rule: RuleRuntimeClass, Field: path, Requested: requested, Allowed: allowed,
		Message: message, Fix: fix, Exact: true,
		Transient: path == "spec.runtimeClassName", // A missing class may be applied after its user.
	}
	if name := d.pod.Spec.RuntimeClassName; name != nil {
		o.Cause = Cause{Kind: KindRuntimeClass, Name: *name}
	}
	d.report(o)
}

func (d *podBuilder) runtimeClass(name string) *nodev1.RuntimeClass {
	for _, class := range d.ns.RuntimeClasses {
		if class.Name == name {
			return class
		}
	}
	return nil
}
