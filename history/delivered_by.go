package history

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
)

// deliveryMarks are the annotations and labels with which delivery tools mark what they write, and
// what each names. The first one found wins: Flux drives Helm, and both leave a mark.
var deliveryMarks = []struct {
	key, kind string
	// upTo ends the name within the value, empty where the value is the name.
	upTo string
}{
	// https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
	{"argocd.argoproj.io/tracking-id", "Argo CD application", ":"},
	// https://fluxcd.io/flux/components/kustomize/kustomizations/,
	// https://fluxcd.io/flux/components/helm/helmreleases/
	{"kustomize.toolkit.fluxcd.io/name", "Flux Kustomization", ""},
	{"helm.toolkit.fluxcd.io/name", "Flux HelmRelease", ""},
	// https://docs.gitlab.com/user/project/deploy_boards/
	{"app.gitlab.com/app", "GitLab project", ""},
	// https://helm.sh/docs/chart_best_practices/labels/
	{"meta.helm.sh/release-name", "Helm release", ""},
}

// deliveredBy returns what delivered a Deployment, empty if no tool left a mark.
func deliveredBy(d *appsv1.Deployment) string {
	for _, mark := range deliveryMarks {
		value := d.Annotations[mark.key]
		if value == "" {
			value = d.Labels[mark.key]
		}
		if value == "" {
			continue
		}
		if mark.upTo != "" {
			value, _, _ = strings.Cut(value, mark.upTo)
		}
		return mark.kind + " " + value
	}
	return ""
}
