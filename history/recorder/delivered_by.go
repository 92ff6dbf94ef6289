package recorder

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
)

// origins are the annotations and labels by which tools of delivery mark what they write, and what each names. The first
// that is there wins: Flux drives Helm, and both leave a mark.
var origins = []struct {
	key, kind string
	// upTo ends the name within the value, empty where the value is the name.
	upTo string
}{
	// https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
	{"argocd.argoproj.io/tracking-id", "Argo CD application", ":"},
	// https://fluxcd.io/flux/components/kustomize/kustomizations/, https://fluxcd.io/flux/components/helm/helmreleases/
	{"kustomize.toolkit.fluxcd.io/name", "Flux Kustomization", ""},
	{"helm.toolkit.fluxcd.io/name", "Flux HelmRelease", ""},
	// https://docs.gitlab.com/user/project/deploy_boards/
	{"app.gitlab.com/app", "GitLab project", ""},
	// https://helm.sh/docs/chart_best_practices/labels/
	{"meta.helm.sh/release-name", "Helm release", ""},
}

// origin says what delivered a Deployment, empty where nothing left a mark.
func origin(d *appsv1.Deployment) string {
	for _, o := range origins {
		value := d.Annotations[o.key]
		if value == "" {
			value = d.Labels[o.key]
		}
		if value == "" {
			continue
		}
		if o.upTo != "" {
			value, _, _ = strings.Cut(value, o.upTo)
		}
		return o.kind + " " + value
	}
	return ""
}
