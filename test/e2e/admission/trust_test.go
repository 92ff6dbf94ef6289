package admission

import (
	"fmt"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

const (
	writtenByRepriseAlone = "Only Reprise (system:serviceaccount:reprise-system:reprise) can write WorkloadRevisions"
	deletedByRepriseAlone = "Only Reprise (system:serviceaccount:reprise-system:reprise) can delete WorkloadRevisions"
)

// rejectedByPolicy has the write refused with the message, first as dry runs until the policies are
// in force, which they are some time after they are stored, then in earnest.
func (p place) rejectedByPolicy(as client.Client, message string, write func(client.Client) error) {
	p.Helper()
	check := func(err error) (bool, string) {
		return apierrors.IsForbidden(err) && strings.Contains(err.Error(), message), fmt.Sprintf("the answer is %v, want %q", err, message)
	}
	product.Eventually(p, func() (bool, string) { return check(write(client.NewDryRunClient(as))) })
	if ok, missing := check(write(as)); !ok {
		p.Error(missing)
	}
}

// healthy deploys the exercise's first step and returns its revision.
func (p place) healthy() *v1alpha1.WorkloadRevision {
	p.Helper()
	p.Apply("1-healthy")
	return p.Becomes("sample-app", "1 Healthy")[0].DeepCopy()
}

// as is a client for another user.
func (p place) as(config *rest.Config) client.Client {
	p.Helper()
	c, err := client.New(config, client.Options{Scheme: p.API.Scheme()})
	if err != nil {
		p.Fatal(err)
	}
	return c
}

// impersonating is a client for a user that the administrator impersonates, in the given groups.
func (p place) impersonating(user string, groups ...string) client.Client {
	p.Helper()
	config := shared.RESTConfig()
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
	return p.as(config)
}

func mergePatch(patch string) client.Patch {
	return client.RawPatch(types.MergePatchType, []byte(patch))
}

func TestNobodyButRepriseWritesRevisions(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	stored := p.healthy()
	labelled, failed := mergePatch(`{"metadata":{"labels":{"mine":"true"}}}`), mergePatch(`{"status":{"phase":"Failed"}}`)
	applied := client.RawPatch(types.ApplyYAMLPatchType, []byte(
		`{"apiVersion":"reprise.dev/v1alpha1","kind":"WorkloadRevision","metadata":{"name":"`+stored.Name+`","labels":{"mine":"true"}}}`))
	writes := map[string]struct {
		message string
		write   func(client.Client) error
	}{
		"Create": {writtenByRepriseAlone, func(c client.Client) error {
			forged := &v1alpha1.WorkloadRevision{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "sample-app-2"}, Spec: stored.Spec}
			forged.Spec.Number = 2
			return c.Create(t.Context(), forged)
		}},
		"Update": {writtenByRepriseAlone, func(c client.Client) error {
			changed := p.Revisions("sample-app")[0]
			changed.Labels = map[string]string{"mine": "true"}
			return c.Update(t.Context(), &changed)
		}},
		"UpdateThatChangesNothing": {writtenByRepriseAlone, func(c client.Client) error {
			return c.Update(t.Context(), &p.Revisions("sample-app")[0])
		}},
		"Patch": {writtenByRepriseAlone, func(c client.Client) error { return c.Patch(t.Context(), stored.DeepCopy(), labelled) }},
		"ServerSideApply": {writtenByRepriseAlone, func(c client.Client) error {
			return c.Patch(t.Context(), stored.DeepCopy(), applied, client.FieldOwner("test"))
		}},
		"StatusUpdate": {writtenByRepriseAlone, func(c client.Client) error {
			changed := p.Revisions("sample-app")[0]
			changed.Status.Phase = v1alpha1.PhaseFailed
			return c.Status().Update(t.Context(), &changed)
		}},
		"StatusPatch": {writtenByRepriseAlone, func(c client.Client) error { return c.Status().Patch(t.Context(), stored.DeepCopy(), failed) }},
		"Delete":      {deletedByRepriseAlone, func(c client.Client) error { return c.Delete(t.Context(), stored.DeepCopy()) }},
		"DeleteCollection": {deletedByRepriseAlone, func(c client.Client) error {
			return c.DeleteAllOf(t.Context(), &v1alpha1.WorkloadRevision{}, client.InNamespace(p.Namespace))
		}},
	}
	users := map[string]client.Client{
		"administrator":      p.API,
		"another account":    p.impersonating("system:serviceaccount:"+p.Namespace+":reprise", "system:masters"),
		"another controller": p.impersonating("system:serviceaccount:kube-system:deployment-controller", "system:masters"),
	}
	for name, c := range writes {
		for user, as := range users {
			t.Run(name+"/"+user, func(t *testing.T) {
				q := p
				q.T = t
				q.rejectedByPolicy(as, c.message, c.write)
			})
		}
	}
	after := p.Revisions("sample-app")
	if len(after) != 1 || after[0].Generation != stored.Generation || after[0].Status.Phase != v1alpha1.PhaseHealthy || after[0].Labels["mine"] != "" {
		t.Errorf("the history changed: %+v", after)
	}
}

// The controllers of Kubernetes must be able to clean up: whatever stays keeps its namespace from
// going.
func TestKubernetesOwnControllersCleanRevisionsUp(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	stored := p.healthy()
	const system = "system:serviceaccount:kube-system:"
	collector := p.impersonating(system+"generic-garbage-collector", "system:masters")

	finalizer := mergePatch(`{"metadata":{"finalizers":["example.com/kept"]}}`)
	for _, controller := range []string{"generic-garbage-collector", "namespace-controller", "storage-version-migrator-controller"} {
		as := client.NewDryRunClient(p.impersonating(system+controller, "system:masters"))
		if err := as.Patch(t.Context(), stored.DeepCopy(), finalizer); err != nil {
			t.Errorf("%s may not change the metadata: %v", controller, err)
		}
		if err := as.Delete(t.Context(), stored.DeepCopy()); err != nil {
			t.Errorf("%s may not delete: %v", controller, err)
		}
	}
	p.rejectedByPolicy(collector, writtenByRepriseAlone, func(c client.Client) error {
		return c.Status().Patch(t.Context(), stored.DeepCopy(), mergePatch(`{"status":{"phase":"Failed"}}`))
	})

	// A deletion in the foreground ends by the garbage collector's taking its finalizer away.
	if err := collector.Delete(t.Context(), stored.DeepCopy(), client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
		t.Fatal(err)
	}
	product.Eventually(p, func() (bool, string) {
		err := p.API.Get(t.Context(), client.ObjectKeyFromObject(stored), &v1alpha1.WorkloadRevision{})
		return apierrors.IsNotFound(err), fmt.Sprintf("reading the deleted revision: %v", err)
	})
}

func TestANamespaceWithRevisionsIsDeleted(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.healthy()
	p.rejectedByPolicy(p.API, deletedByRepriseAlone, func(c client.Client) error {
		return c.DeleteAllOf(t.Context(), &v1alpha1.WorkloadRevision{}, client.InNamespace(p.Namespace))
	})
	start := time.Now()
	p.Kubectl("delete", "namespace", p.Namespace, "--timeout="+product.Patience.String())
	t.Logf("the namespace was gone after %s", time.Since(start).Round(time.Millisecond))
}

// A cluster of its own, since it ends without the resource that all others need.
func TestTheDefinitionIsDeletedWithItsRevisions(t *testing.T) {
	t.Parallel()
	own, err := cluster.Start(t.Context(), cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	port, err := cluster.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	if err := product.Install(t.Context(), own, port, nil); err != nil {
		t.Fatal(err)
	}
	kubectl := func(stdin string, args ...string) error {
		_, stderr, err := own.KubectlInput(t.Context(), strings.NewReader(stdin), args...)
		if err != nil {
			return fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, stderr)
		}
		return nil
	}
	const revision = `{"apiVersion":"reprise.dev/v1alpha1","kind":"WorkloadRevision","metadata":{"name":"app-1"},"spec":{"number":1,
		"acceptedTime":"2026-01-01T00:00:00Z","snapshot":{"encoding":"none","data":"e30="},"intentHash":"a","templateHash":"b",
		"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"app","uid":"c"}}}`
	if err := kubectl(revision, "create", "-f", "-", "--as=system:serviceaccount:"+product.Namespace+":"+product.Release); err != nil {
		t.Fatal(err)
	}
	product.Eventually(t, func() (bool, string) {
		err := kubectl("", "delete", "wrev", "app-1", "--dry-run=server")
		return err != nil && strings.Contains(err.Error(), deletedByRepriseAlone), fmt.Sprint(err)
	})
	if err := kubectl("", "delete", "crd", "workloadrevisions.reprise.dev", "--timeout="+product.Patience.String()); err != nil {
		t.Error(err)
	}
}

// The controller manager checks the types of every expression: what it warns of fails at the first
// request.
func TestThePoliciesExpressionsFitTheirTypes(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	var policies admissionregistrationv1.ValidatingAdmissionPolicyList
	product.Eventually(p, func() (bool, string) {
		if err := p.API.List(t.Context(), &policies, client.MatchingLabels{"app.kubernetes.io/instance": product.Release}); err != nil {
			return false, err.Error()
		}
		for _, policy := range policies.Items {
			if policy.Status.ObservedGeneration != policy.Generation {
				return false, policy.Name + " is not checked yet"
			}
		}
		return len(policies.Items) > 0, "the chart holds no policies"
	})
	for _, policy := range policies.Items {
		if policy.Status.TypeChecking == nil {
			t.Errorf("the types of %s were not checked", policy.Name)
			continue
		}
		for _, warning := range policy.Status.TypeChecking.ExpressionWarnings {
			t.Errorf("%s: %s: %s", policy.Name, warning.FieldRef, warning.Warning)
		}
	}
}
