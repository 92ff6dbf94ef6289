package effective

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestCompute_QuantityOutOfRange states a quantity beyond the range wherever a template may.
func TestCompute_QuantityOutOfRange(t *testing.T) {
	huge := resource.MustParse("1e3000000")
	list := func() corev1.ResourceList { return corev1.ResourceList{corev1.ResourceMemory: huge} }
	divisor := func() *corev1.ResourceFieldSelector {
		return &corev1.ResourceFieldSelector{Resource: "limits.memory", Divisor: huge}
	}
	file := func() []corev1.DownwardAPIVolumeFile {
		return []corev1.DownwardAPIVolumeFile{{Path: "memory", ResourceFieldRef: divisor()}}
	}
	template := with(app(stating(list(), list())), func(s *corev1.PodSpec) {
		s.InitContainers = []corev1.Container{{Name: "init", Resources: stating(nil, list())}}
		s.Containers[0].Env = []corev1.EnvVar{{Name: "MEMORY", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: divisor()}}}
		s.Resources, s.Overhead = new(stating(list(), list())), list()
		s.Volumes = []corev1.Volume{
			{Name: "a", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: &huge}}},
			{Name: "b", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: file()}}},
			{Name: "c", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{DownwardAPI: &corev1.DownwardAPIProjection{Items: file()}}}}}},
			{Name: "d", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{
				Spec: corev1.PersistentVolumeClaimSpec{Resources: corev1.VolumeResourceRequirements{Limits: list(), Requests: list()}},
			}}}},
		}
	})
	want := []string{
		"spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor",
		"spec.containers[0].resources.limits[memory]",
		"spec.containers[0].resources.requests[memory]",
		"spec.initContainers[0].resources.limits[memory]",
		"spec.overhead[memory]",
		"spec.resources.limits[memory]",
		"spec.resources.requests[memory]",
		"spec.volumes[0].emptyDir.sizeLimit",
		"spec.volumes[1].downwardAPI.items[0].resourceFieldRef.divisor",
		"spec.volumes[2].projected.sources[0].downwardAPI.items[0].resourceFieldRef.divisor",
		"spec.volumes[3].ephemeral.volumeClaimTemplate.spec.resources.limits[memory]",
		"spec.volumes[3].ephemeral.volumeClaimTemplate.spec.resources.requests[memory]",
	}
	begun := time.Now()
	for name, violations := range map[string][]Violation{
		"Compute": Compute(template, namespace(hugeData)).Violations, "OutOfRange": OutOfRange(template),
	} {
		var got []string
		for _, v := range violations {
			if v.Rule == RuleQuantity {
				got = append(got, v.Field)
				if v.Message != "1e3000000 is more than 9223372036854775807, the limit of Kubernetes for quantities" {
					t.Errorf("%s: message %q", name, v.Message)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", name, diff)
		}
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("it took %s", took)
	}
	if huge.String() != "1e3000000" {
		t.Errorf("the template was changed: %s", huge.String())
	}
}

// hugeData has such quantities in all that a namespace has.
func hugeData(ns *Namespace) {
	list := func(text string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(text), corev1.ResourceCPU: resource.MustParse("0e1000000000")}
	}
	ns.LimitRanges = []*corev1.LimitRange{{
		ObjectMeta: metav1.ObjectMeta{Name: "huge"},
		Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{
			{
				Type: corev1.LimitTypeContainer, Max: list("1e3000000"), Min: list("-1e1000000000"),
				Default: list("1e3000000"), DefaultRequest: list("1e3000000"), MaxLimitRequestRatio: list("1e3000000"),
			},
			{Type: corev1.LimitTypePod, Max: list("1e1000000000"), Min: list("-1e1000000000")},
		}},
	}}
	ns.ResourceQuotas = []*corev1.ResourceQuota{{
		ObjectMeta: metav1.ObjectMeta{Name: "huge"},
		Status:     corev1.ResourceQuotaStatus{Hard: list("1e1000000000"), Used: list("1e999999999")},
	}}
	ns.RuntimeClasses = []*nodev1.RuntimeClass{{
		ObjectMeta: metav1.ObjectMeta{Name: "huge"}, Overhead: &nodev1.Overhead{PodFixed: list("1e1000000000")},
	}}
}

// TestCompute_HugeNamespaceData tells nothing about the template, and ends.
func TestCompute_HugeNamespaceData(t *testing.T) {
	begun := time.Now()
	ns := namespace(hugeData)
	template := with(app(stating(nil, amounts("memory", "64Mi"))), func(s *corev1.PodSpec) { s.RuntimeClassName = new("huge") })
	for _, v := range Compute(template, ns).Violations {
		if v.Rule == RuleQuantity {
			t.Errorf("violation %+v", v)
		}
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("it took %s", took)
	}
	if got := ns.LimitRanges[0].Spec.Limits[0].Max.Memory().String(); got != "1e3000000" {
		t.Errorf("the LimitRange was changed: %s", got)
	}
}

// TestCompute_HugePagesOfAnySize has resource names that hold a quantity.
func TestCompute_HugePagesOfAnySize(t *testing.T) {
	for _, size := range []string{"1e30", "1e3000000", "1e-1000000000", "0e1000000000", "-1", "many"} {
		begun := time.Now()
		list := amounts("hugepages-"+size, "4Mi", "cpu", "1")
		if r := Compute(app(stating(list, list)), namespace()); len(r.Violations) == 0 {
			t.Errorf("hugepages-%s: no violation", size)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("hugepages-%s: it took %s", size, took)
		}
	}
}
