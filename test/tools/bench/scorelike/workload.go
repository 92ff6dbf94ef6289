// Package scorelike makes workloads of the kind that Score writes, as `kubectl apply` sends them.
package scorelike

import (
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"reprise.dev/reprise/workload"
)

const (
	// containers and variables are those of each container: a Score workload of the larger kind.
	containers, variables = 3, 10
	// DeployedBy is the field manager of `kubectl apply`.
	DeployedBy = "kubectl-client-side-apply"
)

// Deployment is what Score writes for a workload, as `kubectl apply` would send it. version tells
// deploys apart.
func Deployment(namespace, name string, replicas int32, version int) (*appsv1.Deployment, error) {
	instance := map[string]string{"app.kubernetes.io/instance": name + "-9e4066df89"}
	labels := map[string]string{
		"app.kubernetes.io/name": name, "app.kubernetes.io/instance": name + "-9e4066df89", "app.kubernetes.io/managed-by": "score-k8s",
	}
	marker := map[string]string{"k8s.score.dev/workload-name": name}
	d := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels, Annotations: marker},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: instance},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: marker},
				Spec:       corev1.PodSpec{Containers: make([]corev1.Container, containers)},
			},
		},
	}
	for i := range d.Spec.Template.Spec.Containers {
		d.Spec.Template.Spec.Containers[i] = container(i)
	}
	return d, SetVersion(d, version)
}

func container(i int) corev1.Container {
	amounts := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi")}
	c := corev1.Container{
		Name: fmt.Sprintf("container-%d", i), Image: "registry.example.com/team/application:1.0.0",
		Resources: corev1.ResourceRequirements{Requests: amounts, Limits: amounts},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/readyz", Port: intstr.FromInt32(8080)},
		}},
	}
	for v := range variables {
		c.Env = append(c.Env, corev1.EnvVar{
			Name: fmt.Sprintf("SETTING_NUMBER_%d", v), Value: fmt.Sprintf("http://service-%d.example.com:8080/path/of/%d", v, i),
		})
	}
	return c
}

// SetVersion makes the Deployment another intent than that of every other version, by its image and
// a variable.
func SetVersion(d *appsv1.Deployment, version int) error {
	first := &d.Spec.Template.Spec.Containers[0]
	first.Image = fmt.Sprintf("registry.example.com/team/application:1.0.%d", version)
	first.Env[0].Value = fmt.Sprintf("http://service-0.example.com:8080/path/of/version/%d", version)
	return Remember(d)
}

// Remember writes what `kubectl apply` remembers of its last manifest.
func Remember(d *appsv1.Deployment) error {
	delete(d.Annotations, workload.LastApplied)
	manifest, err := json.Marshal(appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name, Labels: d.Labels, Annotations: d.Annotations},
		Spec:       d.Spec,
	})
	if err != nil {
		return fmt.Errorf("encoding the manifest of %s: %w", d.Name, err)
	}
	d.Annotations = map[string]string{"k8s.score.dev/workload-name": d.Name, workload.LastApplied: string(manifest)}
	return nil
}
