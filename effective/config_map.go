package effective

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// checkConfigMaps looks for ConfigMaps without which the kubelet would not start
// the pod. The API server accepts such a pod, so these violations are not exact.
func (d *podBuilder) checkConfigMaps() {
	needed := neededConfigMaps(&d.pod.Spec)
	if len(needed) == 0 || d.markUnknown(KindConfigMap) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		if d.ns.ConfigMaps.Has(name) {
			continue
		}
		user := needed[name]
		d.report(Violation{
			Rule:      RuleConfigMap,
			Field:     user.path(),
			Container: user.container,
			Requested: name,
			Cause:     Cause{Kind: KindConfigMap, Name: name},
			Message:   fmt.Sprintf("ConfigMap %s does not exist in namespace %s; without it the kubelet does not start the pod", name, d.ns.Name),
			Fix:       "create the ConfigMap before the Deployment, or mark the reference optional",
			Transient: true,
		})
	}
}

// neededConfigMaps returns the ConfigMaps that the pod refers to without marking
// them optional, each with the first place that does.
func neededConfigMaps(spec *corev1.PodSpec) map[string]place {
	needed := map[string]place{}
	need := func(name string, optional *bool, at place) {
		if _, known := needed[name]; !known && name != "" && (optional == nil || !*optional) {
			needed[name] = at
		}
	}
	for i := range spec.Volumes {
		at := place{list: inVolumes, index: i}
		if c := spec.Volumes[i].ConfigMap; c != nil {
			need(c.Name, c.Optional, at)
		}
		if p := spec.Volumes[i].Projected; p != nil {
			for _, source := range p.Sources {
				if c := source.ConfigMap; c != nil {
					need(c.Name, c.Optional, at)
				}
			}
		}
	}
	for at, c := range containers(spec) {
		for _, from := range c.EnvFrom {
			if r := from.ConfigMapRef; r != nil {
				need(r.Name, r.Optional, at)
			}
		}
		for _, env := range c.Env {
			if env.ValueFrom != nil && env.ValueFrom.ConfigMapKeyRef != nil {
				need(env.ValueFrom.ConfigMapKeyRef.Name, env.ValueFrom.ConfigMapKeyRef.Optional, at)
			}
		}
	}
	return needed
}
