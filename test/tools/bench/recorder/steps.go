package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/test/tools/bench/scorelike"
)

func (st *stage) create(ctx context.Context, d *appsv1.Deployment) error {
	return st.Deployer.Create(ctx, d, client.FieldOwner(scorelike.DeployedBy))
}

func (st *stage) change(version int) func(context.Context, *appsv1.Deployment) error {
	return func(ctx context.Context, d *appsv1.Deployment) error { return st.deploy(ctx, d, version) }
}

// reapply sends the same manifest as another manager: what is stored changes, the intent does not.
func (st *stage) reapply(ctx context.Context, d *appsv1.Deployment) error {
	patch := fmt.Appendf(nil, `{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{"spec":{"containers":[{"name":"container-0","image":%q}]}}}}`,
		d.Spec.Template.Spec.Containers[0].Image)
	return st.Deployer.Patch(ctx, d, client.RawPatch(types.ApplyPatchType, patch), client.FieldOwner("ci"), client.ForceOwnership)
}

func (st *stage) scale(replicas int) func(context.Context, *appsv1.Deployment) error {
	return func(ctx context.Context, d *appsv1.Deployment) error {
		patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
		return st.Deployer.SubResource("scale").Patch(ctx, d.DeepCopy(), client.RawPatch(types.MergePatchType, patch))
	}
}

func (st *stage) always(context.Context, *appsv1.Deployment) (bool, error) { return true, nil }

func (st *stage) available(replicas int32) func(context.Context, *appsv1.Deployment) (bool, error) {
	return func(ctx context.Context, d *appsv1.Deployment) (bool, error) {
		live := &appsv1.Deployment{}
		err := st.Deployer.Get(ctx, client.ObjectKeyFromObject(d), live)
		return live.Status.AvailableReplicas == replicas, err
	}
}

// revision reads a revision of a workload, empty where there is none.
func (st *stage) revision(ctx context.Context, d *appsv1.Deployment, number int64) (*v1alpha1.WorkloadRevision, error) {
	r := &v1alpha1.WorkloadRevision{}
	err := st.Deployer.Get(ctx, client.ObjectKey{Namespace: d.Namespace, Name: history.Name(d.Name, number)}, r)
	return r, client.IgnoreNotFound(err)
}

func (st *stage) recorded(number int64) func(context.Context, *appsv1.Deployment) (bool, error) {
	return func(ctx context.Context, d *appsv1.Deployment) (bool, error) {
		r, err := st.revision(ctx, d, number)
		return r.Status.Phase != "", err
	}
}

func (st *stage) pruned(number, gone int64) func(context.Context, *appsv1.Deployment) (bool, error) {
	return func(ctx context.Context, d *appsv1.Deployment) (bool, error) {
		if ok, err := st.recorded(number)(ctx, d); !ok || err != nil {
			return false, err
		}
		r, err := st.revision(ctx, d, gone)
		return r.Name == "", err
	}
}

func (st *stage) healthy(number int64) func(context.Context, *appsv1.Deployment) (bool, error) {
	return func(ctx context.Context, d *appsv1.Deployment) (bool, error) {
		r, err := st.revision(ctx, d, number)
		return r.Status.Phase == v1alpha1.PhaseHealthy && history.Emitted(r, v1alpha1.EventRevisionHealthy), err
	}
}
