package workload

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"reprise.dev/reprise/api/v1alpha1"
)

// LastApplied is the annotation in which kubectl stores the last client-side apply. A rollback
// restores it: otherwise the next apply computes its patch from the wrong original. A change of it
// alone is no change of intent.
const LastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// appliedKeys are the annotations in which deployers store what they applied, as LastApplied does:
// kubectl, kapp (carvel.dev/kapp/docs, "Diff stage"), and Rancher's Wrangler
// (github.com/rancher/wrangler, pkg/apply).
var appliedKeys = []string{
	LastApplied,
	"kapp.k14s.io/original",
	"kapp.k14s.io/original-diff-md5",
	"objectset.rio.cattle.io/applied",
}

// controllerDomains are the domains of the labels and annotations that controllers write on
// Deployments while no user deploys. Subdomains are included. docs/rollback.md lists them.
var controllerDomains = []string{
	"autopilot.gke.io",         // GKE Autopilot: adjusted resources, the version of its webhook.
	"cattle.io",                // Rancher: public endpoints, creators, projects, timestamps.
	"deployment.kubernetes.io", // The deployment controller: its revision, and those of ReplicaSets.
	"keel.sh",                  // Keel: the time of an update.
	"reloader.stakater.com",    // Reloader: what it reloaded.
}

// releaseDomain is the domain of the annotations by which Helm owns an object. A release without
// them cannot be upgraded, so that they follow the release and not the intent.
const releaseDomain = "meta.helm.sh"

// toolKeys are labels and annotations that tools rewrite without a change of what runs.
var toolKeys = []string{
	"app.kubernetes.io/managed-by",
	"app.kubernetes.io/version",
	"argocd.argoproj.io/instance",
	"argocd.argoproj.io/tracking-id",
	"helm.sh/chart",
}

// stampKeys are labels and annotations of pod templates by which a tool has pods replaced, with
// another value each time: the time of a restart or the mark of a run. docs/rollback.md lists them.
var stampKeys = []string{
	restartedAt,
	"kubesphere.io/restartedAt",
	"rollme",
	"skaffold.dev/run-id",
}

// stampDomains are domains of which every key of a pod template is such a stamp.
var stampDomains = []string{"cattle.io", "keel.sh", "reloader.stakater.com"}

// IsReservedKey reports whether a label or annotation of a Deployment belongs to Reprise, to a
// controller or to a release of Helm. It is no part of the intent, and a rollback keeps its live
// value.
func IsReservedKey(key string) bool {
	return strings.HasPrefix(key, v1alpha1.Prefix) || !isAppliedKey(key) && (inDomains(key, controllerDomains) || inDomains(key, []string{releaseDomain}))
}

// IsToolKey reports whether tools rewrite a label or an annotation without a change of what runs.
func IsToolKey(key string) bool { return slices.Contains(toolKeys, key) }

// isAppliedKey reports whether a deployer stores in an annotation what it applied. A rollback
// restores it, and a change of it alone is no change of intent.
func isAppliedKey(key string) bool { return slices.Contains(appliedKeys, key) }

// isStamp reports whether a label or annotation of a pod template only has pods replaced: by its
// key, or since its value is a point in time.
func isStamp(key, value string) bool {
	return slices.Contains(stampKeys, key) || inDomains(key, stampDomains) || isTime(value)
}

// unixTime matches the seconds, milliseconds or nanoseconds since 1970 of this century.
var unixTime = regexp.MustCompile(`^[1-9]([0-9]{9}|[0-9]{12}|[0-9]{18})$`)

// isTime reports whether a text is a point in time, as a machine writes one.
func isTime(text string) bool {
	for _, layout := range []string{time.RFC3339, time.RFC1123, time.RFC1123Z, time.UnixDate} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return unixTime.MatchString(text)
}

// inDomains reports whether the prefix of a label or annotation is one of the domains or a
// subdomain.
func inDomains(key string, domains []string) bool {
	domain, _, prefixed := strings.Cut(key, "/")
	return prefixed && slices.ContainsFunc(domains, func(d string) bool { return domain == d || strings.HasSuffix(domain, "."+d) })
}
