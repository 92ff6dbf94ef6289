// Package workload defines which Deployments Reprise manages, and reads their intent, files and
// settings.
//
// It is a leaf: every other package may import it, and it imports only API types.
package workload

import (
	appsv1 "k8s.io/api/apps/v1"

	"reprise.dev/reprise/api/v1alpha1"
)

const (
	// NameAnnotation is Score's marker. score-k8s sets it to the workload's name on the Deployment,
	// its pod template and its Services. The label app.kubernetes.io/managed-by is no marker:
	// provisioned databases have it too, and Helm rewrites it.
	NameAnnotation = "k8s.score.dev/workload-name"

	// GuardEnabled is the value of the guard label that opts a Deployment in without Score's marker.
	GuardEnabled = "enabled"
	// GuardDisabled is the value of the guard label that takes a Deployment out of history and
	// rollback.
	GuardDisabled = "disabled"
)

// IsManaged reports whether Reprise checks the Deployment at admission: it has Score's marker or is
// opted in. The guard label cannot exclude a Score workload from admission. Otherwise anyone who
// may set a label could bypass every policy.
func IsManaged(d *appsv1.Deployment) bool {
	return d != nil && (d.Annotations[NameAnnotation] != "" || d.Labels[v1alpha1.GuardLabel] == GuardEnabled)
}

// IsGuarded reports whether Reprise records the Deployment's history and rolls it back.
func IsGuarded(d *appsv1.Deployment) bool {
	return IsManaged(d) && d.Labels[v1alpha1.GuardLabel] != GuardDisabled
}
