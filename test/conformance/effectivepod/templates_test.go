package effectivepod

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// template draws a pod template of one to three containers.
func (g generator) template() *corev1.PodTemplateSpec {
	t := &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "generated"}}}
	for i := range 1 + g.IntN(3) {
		t.Spec.Containers = append(t.Spec.Containers, g.container(fmt.Sprintf("c%d", i)))
	}
	if g.chance(35) {
		for i := range 1 + g.IntN(2) {
			c := g.container(fmt.Sprintf("i%d", i))
			if g.chance(50) {
				c.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
			}
			t.Spec.InitContainers = append(t.Spec.InitContainers, c)
		}
	}
	if g.chance(5) {
		stateNothing(&t.Spec)
	}
	if g.chance(25) {
		t.Spec.Resources = new(g.requirements(90))
	}
	g.classes(&t.Spec)
	switch {
	case g.chance(12):
		g.security(&t.Spec)
	case g.chance(2): // A Windows pod may not have most of the above.
		t.Spec.OS = &corev1.PodOS{Name: pick(g, corev1.Windows, corev1.Linux)}
	}
	g.oddities(&t.Spec)
	return t
}

func (g generator) container(name string) corev1.Container {
	return corev1.Container{Name: name, Image: "registry.example/app:1", Resources: g.requirements(85)}
}

// stateNothing leaves the containers with no requests and limits but zeros.
func stateNothing(spec *corev1.PodSpec) {
	zero := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("0")}
	for i := range spec.Containers {
		spec.Containers[i].Resources = corev1.ResourceRequirements{Requests: zero}
	}
	for i := range spec.InitContainers {
		spec.InitContainers[i].Resources = corev1.ResourceRequirements{}
	}
}

// requirements draws requests only, limits only, both, or none.
func (g generator) requirements(percentStated int) corev1.ResourceRequirements {
	r := corev1.ResourceRequirements{}
	if !g.chance(percentStated) {
		return r
	}
	requests, limits := corev1.ResourceList{}, corev1.ResourceList{}
	for _, name := range g.resources() {
		if !slices.Contains(commonResources, name) && g.chance(75) { // Most may not be overcommitted.
			limits[name] = g.quantity(name)
			if g.chance(50) {
				requests[name] = limits[name]
			}
			continue
		}
		switch g.IntN(16) {
		case 0, 1, 2, 3:
			requests[name] = g.quantity(name)
		case 4, 5, 6:
			limits[name] = g.quantity(name)
		case 7, 8:
			q := g.quantity(name)
			requests[name], limits[name] = q, q
		case 9:
			requests[name], limits[name] = g.quantity(name), g.quantity(name)
		default:
			low, high := g.usual(name), g.usual(name)
			requests[name], limits[name] = g.form(name, min(low, high)), g.form(name, max(low, high))
		}
	}
	if len(requests) > 0 {
		r.Requests = requests
	}
	if len(limits) > 0 {
		r.Limits = limits
	}
	return r
}

// classes draws the names of what must exist beside the pod.
func (g generator) classes(spec *corev1.PodSpec) {
	if g.chance(12) {
		spec.RuntimeClassName = new(pick(g, "heavy", "heavy", "heavy", "plain", "selective", "plain", "selective", "greedy", "missing"))
	}
	if g.chance(15) {
		spec.PriorityClassName = pick(g, "high", "high", "high", "high", "patient", "system-node-critical", "missing")
	}
	if g.chance(15) {
		spec.ServiceAccountName = pick(g, "puller", "puller", "puller", "puller", "puller", "missing")
	}
}

// security draws settings that PodSecurity levels forbid or demand.
func (g generator) security(spec *corev1.PodSpec) {
	switch g.IntN(6) {
	case 0:
		spec.HostNetwork = true
		spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8080, Protocol: corev1.ProtocolTCP}}
	case 1:
		spec.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: new(true)}
	case 2:
		spec.Volumes = []corev1.Volume{{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/tmp"}}}}
	case 3:
		spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8080, HostPort: 8080}}
	default:
		hardened := &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), RunAsNonRoot: new(true),
			Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		}
		for i := range spec.Containers {
			spec.Containers[i].SecurityContext = hardened
		}
		for i := range spec.InitContainers {
			spec.InitContainers[i].SecurityContext = hardened
		}
	}
}

// oddities draws what few templates have and some rule looks at.
func (g generator) oddities(spec *corev1.PodSpec) {
	if g.chance(3) {
		spec.Overhead = corev1.ResourceList{corev1.ResourceCPU: g.quantity(corev1.ResourceCPU)}
	}
	if g.chance(3) {
		spec.NodeSelector = map[string]string{"disk": pick(g, "ssd", "tape"), "zone": "a"}
	}
	if g.chance(2) {
		spec.Priority = new(pick(g, int32(0), 1000))
	}
	if g.chance(2) {
		spec.PreemptionPolicy = new(pick(g, corev1.PreemptNever, corev1.PreemptLowerPriority))
	}
	if g.chance(3) {
		spec.ActiveDeadlineSeconds = new(int64(60))
	}
	if g.chance(2) {
		spec.TerminationGracePeriodSeconds = new(int64(-5))
	}
	if g.chance(3) {
		term := corev1.PodAffinityTerm{TopologyKey: "zone", LabelSelector: &metav1.LabelSelector{}, Namespaces: []string{"elsewhere"}}
		spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{term}}}
	}
}
