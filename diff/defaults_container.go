package diff

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

func unsetContainerDefaults(c *corev1.Container) {
	clearIf(&c.ImagePullPolicy, defaultPullPolicy(c.Image))
	clearIf(&c.TerminationMessagePath, corev1.TerminationMessagePathDefault)
	clearIf(&c.TerminationMessagePolicy, corev1.TerminationMessageReadFile)
	roundUp(c.Resources.Limits)
	roundUp(c.Resources.Requests)
	for i := range c.Ports {
		if c.Ports[i].Protocol == "" {
			c.Ports[i].Protocol = corev1.Protocol(defaultProtocol)
		}
	}
	for i := range c.Env {
		if source := c.Env[i].ValueFrom; source != nil {
			unsetFieldRefDefault(source.FieldRef)
			if source.FileKeyRef != nil {
				unset(&source.FileKeyRef.Optional, false)
			}
		}
	}
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		unsetProbeDefaults(probe)
	}
	if c.Lifecycle != nil {
		for _, handler := range []*corev1.LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
			if handler != nil {
				unsetHTTPGetDefaults(handler.HTTPGet)
			}
		}
	}
}

func unsetProbeDefaults(p *corev1.Probe) {
	if p == nil {
		return
	}
	clearIf(&p.TimeoutSeconds, 1)
	clearIf(&p.PeriodSeconds, 10)
	clearIf(&p.SuccessThreshold, 1)
	clearIf(&p.FailureThreshold, 3)
	unsetHTTPGetDefaults(p.HTTPGet)
	if p.GRPC != nil {
		unset(&p.GRPC.Service, "")
	}
}

func unsetHTTPGetDefaults(get *corev1.HTTPGetAction) {
	if get != nil {
		clearIf(&get.Path, "/")
		clearIf(&get.Scheme, corev1.URISchemeHTTP)
	}
}

func unsetFieldRefDefault(ref *corev1.ObjectFieldSelector) {
	if ref != nil {
		clearIf(&ref.APIVersion, "v1")
	}
}

// defaultPullPolicy depends on the tag, which is latest where neither tag nor digest is given
// (SetDefaults_Container, k8s.io/kubernetes/pkg/util/parsers/parsers.go).
func defaultPullPolicy(image string) corev1.PullPolicy {
	name, _, digested := strings.Cut(image, "@")
	tag := ""
	if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") {
		tag = name[colon+1:]
	}
	if tag == "latest" || tag == "" && !digested {
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}
