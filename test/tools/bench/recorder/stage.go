package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/tools/bench/rig"
	"reprise.dev/reprise/test/tools/bench/scorelike"
)

// auditPolicy has the API server account for what Reprise sends and what others store, by whom and
// when.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
  users: ["` + rig.Account + `"]
- level: Metadata
  users: [admin]
  verbs: [create, update, patch]
  resources: [{group: apps, resources: [deployments]}, {group: "", resources: [configmaps]}]
- level: None
`

// stage is what the recorder is measured on.
type stage struct{ *rig.Rig }

// deploy stores another version of a workload that exists.
func (st *stage) deploy(ctx context.Context, d *appsv1.Deployment, version int) error {
	changed := d.DeepCopy()
	if err := scorelike.SetVersion(changed, version); err != nil {
		return err
	}
	if err := st.Deployer.Patch(ctx, changed, client.MergeFrom(d), client.FieldOwner(scorelike.DeployedBy)); err != nil {
		return fmt.Errorf("deploying %s: %w", d.Name, err)
	}
	*d = *changed
	return nil
}
