package cluster

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/version"
	"reprise.dev/reprise/story"
)

// Versions returns the versions of this program, of the Reprise that is installed in a namespace,
// and of the cluster.
func Versions(ctx context.Context, c *Connection, install string) (story.Versions, error) {
	v := story.Versions{Plugin: version.String(), Known: v1alpha1.GroupVersion.Version, Install: install}
	api, err := discovery.NewDiscoveryClientForConfig(c.Config)
	if err != nil {
		return v, fmt.Errorf("making a client: %w", err)
	}
	server, err := api.ServerVersion()
	if err != nil {
		return v, Explain(err, c.Namespace)
	}
	v.Cluster = server.GitVersion
	served, err := api.ServerGroups()
	if err != nil && !apierrors.IsForbidden(err) {
		return v, Explain(err, c.Namespace)
	}
	if lease := Lease(ctx, c.API, install); lease != nil {
		v.Reprise = lease.Labels[version.Label]
	}
	if served == nil {
		return v, nil
	}
	for _, group := range served.Groups {
		if group.Name != v1alpha1.GroupVersion.Group {
			continue
		}
		for _, each := range group.Versions {
			v.Revisions = append(v.Revisions, each.Version)
		}
	}
	return v, nil
}
