package workload

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
)

// Where a slim template keeps what it was: no template that the API server stores has a container
// without an image, so that nobody can pass one off as slim.
const (
	slimDigest = v1alpha1.Prefix + "template-digest"
	slimHash   = v1alpha1.Prefix + "template-hash"
)

// MatchesTemplate says whether a ReplicaSet's template is a Deployment's, as the deployment
// controller compares them: whole, but for the label that tells a Deployment's ReplicaSets apart
// (k8s.io/kubernetes/pkg/controller/deployment/util/deployment_util.go, EqualIgnoreHash).
func MatchesTemplate(set *appsv1.ReplicaSet, template *corev1.PodTemplateSpec) bool {
	if isSlim(&set.Spec.Template) {
		return set.Spec.Template.Annotations[slimDigest] == digest(template)
	}
	return digest(deployed(set)) == digest(template)
}

// ReplicaSetHash is the TemplateHash of the Deployment's template that a ReplicaSet was made from.
func ReplicaSetHash(set *appsv1.ReplicaSet) string {
	if isSlim(&set.Spec.Template) {
		return set.Spec.Template.Annotations[slimHash]
	}
	return TemplateHash(deployed(set))
}

// Trim leaves of a ReplicaSet's template what judges its pods, the containers' names and when they
// are ready, and what MadeFrom and ReplicaSetHash tell by. The whole of it is its Deployment's once
// more, and as large.
func Trim(set *appsv1.ReplicaSet) {
	if isSlim(&set.Spec.Template) {
		return // A cache may hand over what it has transformed before.
	}
	whole := deployed(set)
	slim := corev1.PodTemplateSpec{}
	slim.Annotations = map[string]string{slimDigest: digest(whole), slimHash: TemplateHash(whole)}
	slim.Spec.InitContainers = slimContainers(whole.Spec.InitContainers)
	slim.Spec.Containers = slimContainers(whole.Spec.Containers)
	set.Spec.Template = slim
}

func slimContainers(whole []corev1.Container) []corev1.Container {
	var slim []corev1.Container
	for _, c := range whole {
		slim = append(slim, corev1.Container{Name: c.Name, ReadinessProbe: c.ReadinessProbe, StartupProbe: c.StartupProbe})
	}
	return slim
}

func isSlim(template *corev1.PodTemplateSpec) bool {
	return template.Annotations[slimDigest] != "" && len(template.Spec.Containers) > 0 && template.Spec.Containers[0].Image == ""
}

// deployed is the template of the Deployment that a ReplicaSet was made from.
func deployed(set *appsv1.ReplicaSet) *corev1.PodTemplateSpec {
	template := set.Spec.Template
	template.Labels = maps.Clone(template.Labels)
	delete(template.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	return &template
}
