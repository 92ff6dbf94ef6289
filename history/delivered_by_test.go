package history

import "testing"

func TestDeliveredBy(t *testing.T) {
	for want, marks := range map[string]map[string]string{
		"":                          {"team": "shop"},
		"Argo CD application shop":  {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:prod/web"},
		"Flux Kustomization apps":   {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
		"Flux HelmRelease web":      {"helm.toolkit.fluxcd.io/name": "web", "meta.helm.sh/release-name": "web-release"},
		"GitLab project group-shop": {"app.gitlab.com/app": "group-shop", "app.gitlab.com/env": "production"},
		"Helm release web":          {"meta.helm.sh/release-name": "web"},
	} {
		annotated, labelled := deployment("a:1"), deployment("a:1")
		for key, value := range marks {
			annotated.Annotations[key] = value
		}
		labelled.Labels = marks
		for place, got := range map[string]string{"annotations": deliveredBy(annotated), "labels": deliveredBy(labelled)} {
			if got != want {
				t.Errorf("by its %s it comes from %q, want %q", place, got, want)
			}
		}
	}
}
