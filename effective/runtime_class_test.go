package effective

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// heavyClass adds a RuntimeClass that costs a quarter of a CPU a pod.
func heavyClass(ns *Namespace) {
	ns.RuntimeClasses = append(ns.RuntimeClasses, &nodev1.RuntimeClass{
		ObjectMeta: metav1.ObjectMeta{Name: "heavy"}, Overhead: &nodev1.Overhead{PodFixed: amounts("cpu", "250m")}})
}

// selectiveClass adds a RuntimeClass for nodes with an SSD.
func selectiveClass(ns *Namespace) {
	ns.RuntimeClasses = append(ns.RuntimeClasses, &nodev1.RuntimeClass{
		ObjectMeta: metav1.ObjectMeta{Name: "selective"}, Scheduling: &nodev1.Scheduling{NodeSelector: map[string]string{"disk": "ssd"}}})
}

func TestCompute_RuntimeClass(t *testing.T) {
	for _, tc := range []struct {
		reason, class string
		change        func(*corev1.PodSpec)
		overhead      string
		want          []string
	}{
		{"its overhead is set", "heavy", func(*corev1.PodSpec) {}, "cpu=250m", nil},
		{"the template may repeat it", "heavy", func(s *corev1.PodSpec) { s.Overhead = amounts("cpu", "0.25") }, "cpu=250m", nil},
		{"but not differ", "heavy", func(s *corev1.PodSpec) { s.Overhead = amounts("cpu", "1") }, "cpu=1", []string{"runtime-class spec.overhead"}},
		{"overhead without a class", "", func(s *corev1.PodSpec) { s.Overhead = amounts("cpu", "1") }, "cpu=1", []string{"overhead spec.overhead"}},
		{"overhead with a class that has none", "selective", func(s *corev1.PodSpec) { s.Overhead = amounts("cpu", "1") }, "cpu=1", []string{"overhead spec.overhead"}},
		{"a class that does not exist", "missing", func(*corev1.PodSpec) {}, "", []string{"runtime-class spec.runtimeClassName"}},
		{"a node selector beside the class's", "selective", func(s *corev1.PodSpec) { s.NodeSelector = map[string]string{"zone": "a"} }, "", nil},
		{"a node selector against the class's", "selective", func(s *corev1.PodSpec) { s.NodeSelector = map[string]string{"disk": "tape"} }, "", []string{"runtime-class spec.nodeSelector[disk]"}},
	} {
		template := with(app(stating(nil, nil)), tc.change)
		if tc.class != "" {
			template.Spec.RuntimeClassName = &tc.class
		}
		r := Compute(template, namespace(heavyClass, selectiveClass))
		if got := violated(r); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.reason, got, tc.want)
		}
		if got := written(r.Pod.Spec.Overhead); got != tc.overhead {
			t.Errorf("%s: overhead %q, want %q", tc.reason, got, tc.overhead)
		}
		if tc.class == "selective" && tc.want == nil && r.Pod.Spec.NodeSelector["disk"] != "ssd" {
			t.Errorf("%s: node selector %v", tc.reason, r.Pod.Spec.NodeSelector)
		}
	}
}

func TestCompute_UnknownRuntimeClasses(t *testing.T) {
	ns := namespace(unknown(KindRuntimeClass))
	if r := Compute(app(stating(nil, nil)), ns); len(r.Unknown) != 0 {
		t.Errorf("cannot tell %v", r.Unknown)
	}
	r := Compute(with(app(stating(nil, nil)), func(s *corev1.PodSpec) { s.RuntimeClassName = new("heavy") }), ns)
	if len(r.Unknown) != 1 || len(r.Violations) != 0 {
		t.Errorf("cannot tell %v, violations %v", r.Unknown, r.Violations)
	}
}
