package admission

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/test/harness/product"
)

// checkLive runs kubectl reprise check --live on a manifest, with the rights of a kubeconfig.
func checkLive(t *testing.T, kubeconfig, namespace, manifest string) (code int, said string) {
	t.Helper()
	binary, err := product.Build(t.Context(), os.Stderr, product.Plugin, "")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary, "check", "--live", "--kubeconfig", kubeconfig, "-n", namespace, "-f", "-")
	command.Stdin = strings.NewReader(manifest)
	out, err := command.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), string(out)
}

// TestALiveCheckSaysWhatAdmissionSays: with the cluster's own data, and no more of it than the
// caller may read.
func TestALiveCheckSaysWhatAdmissionSays(t *testing.T) {
	p := newNamedPlace(t, "checked")
	ctx := t.Context()
	bounds := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "bounds"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
		Type: corev1.LimitTypeContainer, Max: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")},
	}}}}
	if _, err := p.client.CoreV1().LimitRanges("checked").Create(ctx, bounds, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	large := acceptable("large")
	large.APIVersion, large.Kind = "apps/v1", "Deployment"
	large.Spec.Template.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("2Gi")}
	manifest, err := yaml.Marshal(large)
	if err != nil {
		t.Fatal(err)
	}
	const bound = "LimitRange bounds: the maximum of memory is 1Gi"
	p.answers("checked", large, bound)
	if code, said := checkLive(t, shared.Kubeconfig(), "checked", string(manifest)); code != 1 || !strings.Contains(said, bound) {
		t.Errorf("exit code %d, want 1 and %q in:\n%s", code, bound, said)
	}

	kubeconfig := p.reader("checked", rbacv1.PolicyRule{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"get"}})
	const untold = "rule pod-admissible could not be evaluated: LimitRange: limitranges is forbidden"
	if code, said := checkLive(t, kubeconfig, "checked", string(manifest)); code != 2 || !strings.Contains(said, untold) {
		t.Errorf("exit code %d, want 2 and %q in:\n%s", code, untold, said)
	}

	lost := acceptable("lost")
	if _, err := p.client.AppsV1().Deployments("checked").Create(ctx, lost, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	again := strings.ReplaceAll(strings.ReplaceAll(string(manifest), "large-1a2b3c", "lost-ffffff"), "large", "lost")
	const changed = "the instance changed from lost-1a2b3c to lost-ffffff"
	if code, said := checkLive(t, shared.Kubeconfig(), "checked", again); code != 1 || !strings.Contains(said, changed) {
		t.Errorf("exit code %d, want 1 and %q in:\n%s", code, changed, said)
	}
}

// reader makes a ServiceAccount with the given rights in a namespace and returns its kubeconfig.
func (p place) reader(namespace string, rules ...rbacv1.PolicyRule) string {
	p.Helper()
	ctx, meta := p.Context(), metav1.ObjectMeta{Name: "reader", Namespace: namespace}
	_, err := p.client.CoreV1().ServiceAccounts(namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: meta}, metav1.CreateOptions{})
	if err == nil {
		_, err = p.client.RbacV1().Roles(namespace).Create(ctx, &rbacv1.Role{ObjectMeta: meta, Rules: rules}, metav1.CreateOptions{})
	}
	if err == nil {
		_, err = p.client.RbacV1().RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{
			ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: meta.Name, Namespace: namespace}},
		}, metav1.CreateOptions{})
	}
	if err != nil {
		p.Fatal(err)
	}
	_, kubeconfig, err := shared.ServiceAccountConfig(context.WithoutCancel(ctx), namespace, meta.Name)
	if err != nil {
		p.Fatal(err)
	}
	return kubeconfig
}
