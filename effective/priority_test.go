package effective

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func priorityClass(name string, value int32, global bool) func(*Namespace) {
	class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value, GlobalDefault: global,
		PreemptionPolicy: new(corev1.PreemptNever)}
	return func(ns *Namespace) { ns.PriorityClasses = append(ns.PriorityClasses, class) }
}

func TestCompute_PriorityClass(t *testing.T) {
	for _, tc := range []struct {
		reason   string
		change   func(*corev1.PodSpec)
		classes  []func(*Namespace)
		class    string
		priority int32
		want     []string
	}{
		{"no class at all", func(*corev1.PodSpec) {}, nil, "", 0, nil},
		{"the class named", func(s *corev1.PodSpec) { s.PriorityClassName = "high" }, []func(*Namespace){priorityClass("high", 9, false)}, "high", 9, nil},
		{"of two defaults the lower", func(*corev1.PodSpec) {}, []func(*Namespace){priorityClass("b", 7, true), priorityClass("a", 5, true)}, "a", 5, nil},
		{"a stated priority that agrees", func(s *corev1.PodSpec) { s.Priority = new(int32(5)) }, []func(*Namespace){priorityClass("a", 5, true)}, "a", 5, nil},
		{"a stated priority that does not", func(s *corev1.PodSpec) { s.Priority = new(int32(6)) }, []func(*Namespace){priorityClass("a", 5, true)}, "a", 6, []string{"priority-class spec.priority"}},
		{"a stated preemption that does not", func(s *corev1.PodSpec) { s.PreemptionPolicy = new(corev1.PreemptLowerPriority) },
			[]func(*Namespace){priorityClass("a", 5, true)}, "a", 5, []string{"priority-class spec.preemptionPolicy"}},
	} {
		r := Compute(with(app(stating(nil, nil)), tc.change), namespace(tc.classes...))
		if got := violated(r); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.reason, got, tc.want)
		}
		if r.Pod.Spec.PriorityClassName != tc.class || *r.Pod.Spec.Priority != tc.priority {
			t.Errorf("%s: class %q priority %d", tc.reason, r.Pod.Spec.PriorityClassName, *r.Pod.Spec.Priority)
		}
	}
}

func TestCompute_MissingPriorityClass(t *testing.T) {
	got := one(t, Compute(with(app(stating(nil, nil)), func(s *corev1.PodSpec) { s.PriorityClassName = "gold" }), namespace()))
	if got.Message != "PriorityClass gold does not exist" || got.Cause != (Cause{Kind: KindPriorityClass, Name: "gold"}) || !got.Exact {
		t.Errorf("violation %+v", got)
	}
}
