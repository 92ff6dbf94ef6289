package effective

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
)

// applyPriority resolves the pod's priority from its class, or the cluster's
// default (plugin/pkg/admission/priority/admission.go, admitPod).
func (d *podBuilder) applyPriority() {
	spec := &d.pod.Spec
	if !d.ns.knows(KindPriorityClass) {
		if spec.PriorityClassName != "" {
			d.markUnknown(KindPriorityClass)
		}
		return
	}
	class := d.priorityClass(spec.PriorityClassName)
	if class == nil && spec.PriorityClassName != "" {
		d.reportPriority("spec.priorityClassName", spec.PriorityClassName, "", spec.PriorityClassName,
			fmt.Sprintf("PriorityClass %s does not exist", spec.PriorityClassName),
			"create the PriorityClass, or name one that exists in priorityClassName")
		return
	}

	// Without any class the priority is 0 (pkg/apis/scheduling/types.go,
	// DefaultPriorityWhenNoDefaultClassExists).
	name, value, preemption := "", int32(0), new(corev1.PreemptLowerPriority)
	if class != nil {
		name, value, preemption = class.Name, class.Value, class.PreemptionPolicy
		if spec.PriorityClassName == "" {
			d.defaultedFrom["spec.priorityClassName"] = Cause{Kind: KindPriorityClass, Name: name}
		}
		d.defaultedFrom["spec.priority"] = Cause{Kind: KindPriorityClass, Name: name}
	}
	d.setPriority(name, value, preemption)
}

func (d *podBuilder) setPriority(class string, value int32, preemption *corev1.PreemptionPolicy) {
	spec := &d.pod.Spec
	spec.PriorityClassName = class
	if spec.Priority != nil && *spec.Priority != value {
		stated, allowed := strconv.Itoa(int(*spec.Priority)), strconv.Itoa(int(value))
		d.reportPriority("spec.priority", stated, allowed, class,
			fmt.Sprintf("priority %s is not the %s of the pod's PriorityClass", stated, allowed),
			"leave priority out and set priorityClassName alone")
		return
	}
	spec.Priority = &value
	if preemption == nil {
		return
	}
	if spec.PreemptionPolicy != nil && *spec.PreemptionPolicy != *preemption {
		d.reportPriority("spec.preemptionPolicy", string(*spec.PreemptionPolicy), string(*preemption), class,
			fmt.Sprintf("preemptionPolicy %s is not the %s of the pod's PriorityClass", *spec.PreemptionPolicy, *preemption),
			"leave preemptionPolicy out and set priorityClassName alone")
		return
	}
	spec.PreemptionPolicy = new(*preemption)
}

func (d *podBuilder) reportPriority(path, requested, allowed, class, message, fix string) {
	d.report(Violation{
		Rule: RulePriorityClass, Field: path, Requested: requested, Allowed: allowed,
		Cause: Cause{Kind: KindPriorityClass, Name: class}, Message: message, Fix: fix, Exact: true,
		Transient: path == "spec.priorityClassName", // A missing class may be applied after its user.
	})
}

// priorityClass returns the class of that name; for no name the global default,
// of several the one with the lowest value. It is nil where there is none.
func (d *podBuilder) priorityClass(name string) *schedulingv1.PriorityClass {
	var lowest *schedulingv1.PriorityClass
	for _, class := range d.ns.PriorityClasses {
		if name != "" && class.Name == name {
			return class
		}
		if name == "" && class.GlobalDefault && (lowest == nil || class.Value < lowest.Value) {
			lowest = class
		}
	}
	return lowest
}
