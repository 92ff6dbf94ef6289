package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// manifest is a Deployment as it was given to be applied.
type manifest struct{ *unstructured.Unstructured }

// manifestsOf are the workloads among manifests, or the one of them that an argument names.
func (p *plugin) manifestsOf(files []string, argument string) ([]*manifest, error) {
	wanted, err := nameOf(argument)
	if err != nil {
		return nil, err
	}
	read, err := manifests(files, false, p.In)
	if err != nil {
		return nil, err
	}
	var found []*manifest
	var names []string
	for _, m := range read {
		object := &unstructured.Unstructured{Object: m.Object}
		if object.GroupVersionKind().GroupKind() != appsv1.SchemeGroupVersion.WithKind("Deployment").GroupKind() {
			continue
		}
		names = append(names, object.GetName())
		marks := &appsv1.Deployment{}
		marks.Labels, marks.Annotations = object.GetLabels(), object.GetAnnotations()
		if object.GetName() == wanted || wanted == "" && workload.IsGuarded(marks) {
			found = append(found, &manifest{object})
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case len(names) == 0:
		return nil, errors.New("the manifests hold no Deployment")
	default:
		slices.Sort(names)
		return nil, fmt.Errorf("no workload to wait for: the manifests hold the Deployments %s", strings.Join(names, ", "))
	}
}

// revisionOf is the revision that a manifest became, in a history that holds all that was deployed. It is told by a dry
// run of the way that the Deployment was applied: client-side where kubectl's memory of it is there, server-side where
// somebody applies so. What that does not find, such as what Helm applies with a memory of its own and annotations of its
// own, is told by what the manifest says by itself.
func (c *connection) revisionOf(ctx context.Context, m *manifest, w story.Workload) (*v1alpha1.WorkloadRevision, error) {
	live := w.Deployment
	applier := applierOf(live)
	applied := deployment(live)
	var err error
	switch last := live.Annotations[workload.LastApplied]; {
	case last != "":
		err = c.applyClientSide(ctx, m, last, applied)
	case applier != "":
		err = c.applyServerSide(ctx, m, applier, applied)
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
	alone := &unstructured.Unstructured{Object: m.DeepCopy().Object}
	alone.SetNamespace(live.Namespace)
	if err := c.api.Update(ctx, alone, client.DryRunAll, client.FieldOwner(manager)); err != nil {
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

// deployment is one to be read of the same name.
func deployment(live *appsv1.Deployment) *unstructured.Unstructured {
	d := &unstructured.Unstructured{}
	d.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	d.SetNamespace(live.Namespace)
	d.SetName(live.Name)
	return d
}

// applyClientSide does what kubectl apply does (k8s.io/kubectl/pkg/cmd/apply/patcher.go), as a dry run.
func (c *connection) applyClientSide(ctx context.Context, m *manifest, last string, into *unstructured.Unstructured) error {
	if err := c.api.Get(ctx, client.ObjectKeyFromObject(into), into); err != nil {
		return err
	}
	current, err := json.Marshal(into)
	if err != nil {
		return err
	}
	object := m.DeepCopy()
	object.SetNamespace(into.GetNamespace()) // It is in kubectl's memory, and would be taken for removed.
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
	return c.api.Patch(ctx, into, client.RawPatch(types.StrategicMergePatchType, patch), client.DryRunAll, client.FieldOwner("kubectl-client-side-apply"))
}

// applyServerSide does what kubectl apply --server-side does, as a dry run.
func (c *connection) applyServerSide(ctx context.Context, m *manifest, applier string, into *unstructured.Unstructured) error {
	object := m.DeepCopy()
	object.SetNamespace(into.GetNamespace())
	encoded, err := json.Marshal(object)
	if err != nil {
		return err
	}
	return c.api.Patch(ctx, into, client.RawPatch(types.ApplyPatchType, encoded), client.DryRunAll, client.ForceOwnership, client.FieldOwner(applier))
}

// applierOf is the manager that applied a Deployment server-side last, empty where nobody does.
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
