package workload

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
)

// The annotations in which a trimmed template stores the digest and the hash of the original. The
// API server stores no template with a container without an image, so no user can pass a template
// off as trimmed.
const (
	trimmedDigest = v1alpha1.Prefix + "template-digest"
	trimmedHash   = v1alpha1.Prefix + "template-hash"
)

// MatchesTemplate reports whether a ReplicaSet has a Deployment's template. It compares as the
// deployment controller does: the templates are equal except for the pod-template-hash label
// (k8s.io/kubernetes/pkg/controller/deployment/util/deployment_util.go, EqualIgnoreHash).
func MatchesTemplate(set *appsv1.ReplicaSet, template *corev1.PodTemplateSpec) bool {
	if isTrimmed(&set.Spec.Template) {
		return set.Spec.Template.Annotations[trimmedDigest] == digest(template)
	}
	return digest(originalTemplate(set)) == digest(template)
}

// ReplicaSetHash returns the TemplateHash of the Deployment's template from which a ReplicaSet was
// made.
func ReplicaSetHash(set *appsv1.ReplicaSet) string {
	if isTrimmed(&set.Spec.Template) {
		return set.Spec.Template.Annotations[trimmedHash]
	}
	return TemplateHash(originalTemplate(set))
}

// Trim removes from a ReplicaSet's template all that no caller reads, since the template repeats
// its Deployment's and is as large. The containers' names and probes remain, and the hashes for
// MatchesTemplate and ReplicaSetHash.
func Trim(set *appsv1.ReplicaSet) {
	if isTrimmed(&set.Spec.Template) {
		return // A cache may transform an object twice.
	}
	original := originalTemplate(set)
	trimmed := corev1.PodTemplateSpec{}
	trimmed.Annotations = map[string]string{trimmedDigest: digest(original), trimmedHash: TemplateHash(original)}
	trimmed.Spec.InitContainers = trimContainers(original.Spec.InitContainers)
	trimmed.Spec.Containers = trimContainers(original.Spec.Containers)
	set.Spec.Template = trimmed
}

func trimContainers(containers []corev1.Container) []corev1.Container {
	var trimmed []corev1.Container
	for _, c := range containers {
		trimmed = append(trimmed, corev1.Container{Name: c.Name, ReadinessProbe: c.ReadinessProbe, StartupProbe: c.StartupProbe})
	}
	return trimmed
}

func isTrimmed(template *corev1.PodTemplateSpec) bool {
	return template.Annotations[trimmedDigest] != "" && len(template.Spec.Containers) > 0 && template.Spec.Containers[0].Image == ""
}

// originalTemplate returns the template of the Deployment from which a ReplicaSet was made.
func originalTemplate(set *appsv1.ReplicaSet) *corev1.PodTemplateSpec {
	template := set.Spec.Template
	template.Labels = maps.Clone(template.Labels)
	delete(template.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	return &template
}
