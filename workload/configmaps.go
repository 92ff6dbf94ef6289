package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// ConfigMapsOf returns the sorted names of the ConfigMaps that the pods of a template read, as
// variables, as volumes and as parts of projected volumes.
func ConfigMapsOf(template *corev1.PodTemplateSpec) []string {
	var names []string
	for _, list := range [][]corev1.Container{template.Spec.InitContainers, template.Spec.Containers} {
		for _, c := range list {
			names = append(names, configMapsOfContainer(c)...)
		}
	}
	for _, v := range template.Spec.Volumes {
		if v.ConfigMap != nil {
			names = append(names, v.ConfigMap.Name)
		}
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if source.ConfigMap != nil {
				names = append(names, source.ConfigMap.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func configMapsOfContainer(c corev1.Container) []string {
	var names []string
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef != nil {
			names = append(names, from.ConfigMapRef.Name)
		}
	}
	for _, variable := range c.Env {
		if from := variable.ValueFrom; from != nil && from.ConfigMapKeyRef != nil {
			names = append(names, from.ConfigMapKeyRef.Name)
		}
	}
	return names
}
