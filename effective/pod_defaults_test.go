package effective

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestCompute_CopiesMissingRequestsFromLimits(t *testing.T) {
	for _, tc := range []struct {
		reason   string
		in       corev1.ResourceRequirements
		requests string
	}{
		{"nothing stated, nothing copied", stating(nil, nil), ""},
		{"a limit alone is also the request", stating(nil, amounts("cpu", "1", "memory", "1Gi")), "cpu=1,memory=1Gi"},
		{"a stated request stays, zero too", stating(amounts("cpu", "0"), amounts("cpu", "1", "memory", "1Gi")), "cpu=0,memory=1Gi"},
		{"a request alone gets no limit", stating(amounts("cpu", "1"), nil), "cpu=1"},
		{"what is finer than a thousandth is rounded up", stating(amounts("cpu", "100u"), nil), "cpu=1m"},
	} {
		pod := Compute(app(tc.in), namespace()).Pod
		if got := written(pod.Spec.Containers[0].Resources.Requests); got != tc.requests {
			t.Errorf("%s: requests %q, want %q", tc.reason, got, tc.requests)
		}
	}
}

func TestCompute_HostNetworkOpensHostPorts(t *testing.T) {
	ports := []corev1.ContainerPort{{ContainerPort: 80}, {ContainerPort: 81, HostPort: 8081}}
	template := with(app(stating(nil, nil)), func(s *corev1.PodSpec) { s.Containers[0].Ports = ports })
	if got := Compute(template, namespace()).Pod.Spec.Containers[0].Ports[0].HostPort; got != 0 {
		t.Errorf("host port %d without host network", got)
	}
	template.Spec.HostNetwork = true
	got := Compute(template, namespace()).Pod.Spec.Containers[0].Ports
	if got[0].HostPort != 80 || got[1].HostPort != 8081 {
		t.Errorf("host ports %v", got)
	}
}

func TestCompute_NegativeGracePeriodIsOneSecond(t *testing.T) {
	template := with(app(stating(nil, nil)), func(s *corev1.PodSpec) { s.TerminationGracePeriodSeconds = new(int64(-5)) })
	if got := *Compute(template, namespace()).Pod.Spec.TerminationGracePeriodSeconds; got != 1 {
		t.Errorf("grace period %d", got)
	}
}
