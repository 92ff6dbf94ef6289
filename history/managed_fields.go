package history

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// OwnedByController reports whether an entry belongs to a controller or to a subresource: it is no
// deployer's, and a rollback leaves it alone.
func OwnedByController(entry metav1.ManagedFieldsEntry) bool {
	return entry.Subresource != "" || entry.Manager == "kube-controller-manager"
}

// OwnedByReprise reports whether Reprise wrote fields and has not handed them over: a rollback is
// not complete.
func OwnedByReprise(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == FieldManager && entry.Subresource == ""
}

// lastManager returns the manager that wrote the main resource last.
func lastManager(entries []metav1.ManagedFieldsEntry) string {
	var name string
	var last time.Time
	for _, entry := range entries {
		if OwnedByController(entry) || entry.Time == nil {
			continue
		}
		if name == "" || entry.Time.After(last) {
			name, last = entry.Manager, entry.Time.Time
		}
	}
	return name
}
