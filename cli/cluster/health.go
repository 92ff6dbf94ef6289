package cluster

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
)

// maxLeaseAge is how old the Lease may be. The leader renews it every few seconds, and another
// takes over in less.
const maxLeaseAge = time.Minute

// Lease returns the Lease of Reprise's leader, nil where it does not exist or the caller may not
// read it. The namespace is the one in which Reprise is installed.
func Lease(ctx context.Context, api client.Reader, namespace string) *coordinationv1.Lease {
	lease := &coordinationv1.Lease{}
	if err := api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: v1alpha1.LeaseName}, lease); err != nil {
		return nil
	}
	return lease
}

// NotRunning returns since when Reprise does not run. It is empty where Reprise runs, and where its
// Lease cannot be read.
func NotRunning(ctx context.Context, api client.Reader, namespace string, now time.Time) string {
	lease := Lease(ctx, api, namespace)
	if lease == nil || lease.Spec.RenewTime == nil {
		return ""
	}
	ago := now.Sub(lease.Spec.RenewTime.Time)
	if ago < maxLeaseAge {
		return ""
	}
	return fmt.Sprintf("Reprise is not running: it last renewed its Lease in namespace %s %s ago; until it runs, it records, assesses and rolls back nothing",
		namespace, duration.HumanDuration(ago))
}
