package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/story"
	"reprise.dev/reprise/workload"
)

// RevisionOf returns the revision that the manifest of a Deployment became, in a history that holds
// all that was deployed.
//
// It repeats the apply as a dry run and compares intents: client-side where kubectl's last-applied
// annotation is there, server-side where a manager applies so. Helm keeps what it applied elsewhere
// and adds annotations. For deployers like it, RevisionOf compares what the manifest says by
// itself.
func RevisionOf(ctx context.Context, api client.Client, m *unstructured.Unstructured, w story.Workload) (*v1alpha1.WorkloadRevision, error) {
	live := w.Deployment
	applier := applierOf(live)
	applied := deployment(live)
	var err error
	switch last := live.Annotations[workload.LastApplied]; {
	case last != "":
		err = applyClientSide(ctx, api, m, last, applied)
	case applier != "":
		err = applyServerSide(ctx, api, m, applier, applied)
	default:
		applied = nil
	}
	if err == nil && applied != nil {
		var intent workload.Intent
		if intent, err = workload.RawIntentOf(applied).Typed(); err == nil {
			if r := w.ByIntentHash(intent.Hash()); r != nil {
				return r, nil
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("finding out by a dry run which revision the manifest is: %w", explainWrite(err, live.Namespace))
	}
	alone := m.DeepCopy()
	alone.SetNamespace(live.Namespace)
	if err := api.Update(ctx, alone, client.DryRunAll, client.FieldOwner(fieldManager)); err != nil {
		return nil, fmt.Errorf("%w (%w)", w.NotRecorded(), explainWrite(err, live.Namespace))
	}
	intent, err := workload.RawIntentOf(alone).Typed()
	if err != nil {
		return nil, err
	}
	if r := w.MatchManifest(intent); r != nil {
		return r, nil
	}
	return nil, w.NotRecorded()
}

// deployment returns an object to read the Deployment into.
func deployment(live *appsv1.Deployment) *unstructured.Unstructured {
	d := &unstructured.Unstructured{}
	d.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	d.SetNamespace(live.Namespace)
	d.SetName(live.Name)
	return d
}

// applyClientSide patches as kubectl apply does (k8s.io/kubectl/pkg/cmd/apply/patcher.go), as a dry
// run.
func applyClientSide(ctx context.Context, api client.Client, m *unstructured.Unstructured, last string, into *unstructured.Unstructured) error {
	if err := api.Get(ctx, client.ObjectKeyFromObject(into), into); err != nil {
		return err
	}
	current, err := json.Marshal(into)
	if err != nil {
		return err
	}
	object := m.DeepCopy()
	object.SetNamespace(into.GetNamespace()) // The last-applied annotation has it, and a patch would remove it.
	modified, err := json.Marshal(object)
	if err != nil {
		return err
	}
	schema, err := strategicpatch.NewPatchMetaFromStruct(appsv1.Deployment{})
	if err != nil {
		return err
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch([]byte(last), modified, current, schema, true)
	if err != nil {
		return err
	}
	return api.Patch(ctx, into, client.RawPatch(types.StrategicMergePatchType, patch), client.DryRunAll, client.FieldOwner("kubectl-client-side-apply"))
}

// applyServerSide patches as kubectl apply --server-side does, as a dry run.
func applyServerSide(ctx context.Context, api client.Client, m *unstructured.Unstructured, applier string, into *unstructured.Unstructured) error {
	object := m.DeepCopy()
	object.SetNamespace(into.GetNamespace())
	encoded, err := json.Marshal(object)
	if err != nil {
		return err
	}
	return api.Patch(ctx, into, client.RawPatch(types.ApplyPatchType, encoded), client.DryRunAll, client.ForceOwnership, client.FieldOwner(applier))
}

// applierOf returns the manager that applied a Deployment server-side last, empty where none did.
func applierOf(live *appsv1.Deployment) string {
	manager := ""
	var last metav1.Time
	for _, entry := range live.ManagedFields {
		if entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == "" && entry.Time != nil && !entry.Time.Before(&last) {
			manager, last = entry.Manager, *entry.Time
		}
	}
	return manager
}
