package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/tools/bench/rig"
)

// patience bounds every wait for what Reprise or the cluster is to do.
const patience = 5 * time.Minute

// auditPolicy has the API server account for what Reprise sends, with what it writes into
// revisions, and for who stored what was judged.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Request
  users: ["` + rig.Account + `"]
  verbs: [patch]
  resources: [{group: reprise.dev, resources: [workloadrevisions/status]}]
- level: Metadata
  users: ["` + rig.Account + `"]
- level: Metadata
  verbs: [create, update, patch, delete]
  resources:
  - {group: apps, resources: [deployments, deployments/status, replicasets, replicasets/status]}
  - {group: "", resources: [pods, pods/status, pods/binding]}
- level: None
`

// stage is what rollbacks are measured on.
type stage struct {
	*rig.Rig
	seen *witness
}

// await waits until so many revisions in the namespaces of a name's beginning are in a phase.
func (st *stage) await(ctx context.Context, namespaces string, phase v1alpha1.Phase, n int) error {
	have := 0
	err := wait.PollUntilContextTimeout(ctx, 2*time.Second, patience, true, func(ctx context.Context) (bool, error) {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("WorkloadRevisionList"))
		if err := st.Deployer.List(ctx, list, client.MatchingFields{"status.phase": string(phase)}); err != nil {
			return false, fmt.Errorf("counting revisions: %w", err)
		}
		have = 0
		for _, r := range list.Items {
			if strings.HasPrefix(r.Namespace, namespaces) {
				have++
			}
		}
		return have >= n, nil
	})
	if err != nil {
		return errors.Join(fmt.Errorf("waiting for %d revisions to be %s, %d are: %w", n, phase, have, err), st.stuck(ctx, namespaces))
	}
	return nil
}

// stuck says of one revision that is in the way how it stands.
func (st *stage) stuck(ctx context.Context, namespaces string) error {
	for _, phase := range []v1alpha1.Phase{v1alpha1.PhaseFailed, v1alpha1.PhaseProgressing, v1alpha1.PhaseUnknown} {
		var list v1alpha1.WorkloadRevisionList
		if err := st.Deployer.List(ctx, &list, client.MatchingFields{"status.phase": string(phase)}); err != nil {
			return err
		}
		for _, r := range list.Items {
			if strings.HasPrefix(r.Namespace, namespaces) {
				return fmt.Errorf("such as %s/%s, %s: %s %s", r.Namespace, r.Name, phase, r.FailureMessage(), r.HoldMessage())
			}
		}
	}
	return nil
}
