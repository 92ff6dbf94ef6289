package install

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/load"
	"reprise.dev/reprise/test/harness/node"
	"reprise.dev/reprise/test/harness/product"
)

// helm runs the real helm on the chart's release, and fails the test where it fails.
func helm(t *testing.T, command string, args ...string) {
	t.Helper()
	paths, err := cluster.Binaries(t.Context(), os.Stderr, cluster.Helm)
	if err != nil {
		t.Fatal(err)
	}
	start, dir := time.Now(), t.TempDir()
	cmd := exec.CommandContext(t.Context(), paths[cluster.Helm], append([]string{command, product.Release}, append(args, "--namespace", product.Namespace)...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+shared.Kubeconfig(), "HELM_CACHE_HOME="+dir, "HELM_CONFIG_HOME="+dir, "HELM_DATA_HOME="+dir)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("helm %s: %v\n%s\n%s", command, err, said, state(t))
	}
	t.Logf("helm %s took %s", command, time.Since(start).Round(time.Second))
}

// state is what a person would look at.
func state(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, args := range [][]string{{"get", "pods", "-o", "wide"}, {"get", "events"}, {"logs", "-l", "app.kubernetes.io/name=reprise", "--tail=20"}} {
		out, stderr, err := shared.Kubectl(context.Background(), append([]string{"-n", product.Namespace}, args...)...)
		if err != nil {
			out += stderr
		}
		all.WriteString(out)
	}
	return all.String()
}

// chart are the arguments that name the chart and its values.
func chart(t *testing.T, version string, values ...string) []string {
	t.Helper()
	root, err := cluster.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{filepath.Join(root, "charts", "reprise"), "--wait", "--timeout=4m", "--set", "image.tag=" + version}
	for _, value := range values {
		args = append(args, "--set", value)
	}
	return args
}

func api(t *testing.T) client.Client {
	t.Helper()
	c, err := product.NewClient(shared.Cluster)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// life is an install's: under a load that no step may leave unchecked it is upgraded, its
// certificate renewed, and rolled back; its end may leave applies unchecked, and fail none.
func life(t *testing.T, renewed func(t *testing.T), values ...string) {
	node.Require(t)
	push(t)
	helm(t, "install", append(chart(t, first, values...), "--create-namespace")...)
	l := load.Start(t, shared.Cluster)
	helm(t, "upgrade", chart(t, second, values...)...)
	runs(t, second)
	renewed(t)
	helm(t, "rollback", "1", "--wait", "--timeout=4m")
	runs(t, first)
	l.Flawless()

	last := load.Start(t, shared.Cluster)
	helm(t, "uninstall", "--wait")
	product.Eventually(t, func() (bool, string) { return last.Slipped() >= 5, "what Reprise refused is still refused" })
	last.End()
	if failed := last.Failed(); len(failed) > 0 {
		t.Errorf("%d applies failed while it was uninstalled: %v", len(failed), failed[0])
	}
	hooks := &admissionregistrationv1.ValidatingWebhookConfigurationList{}
	if err := api(t).List(t.Context(), hooks); err != nil || len(hooks.Items) > 0 {
		t.Errorf("webhooks are left: %d, %v", len(hooks.Items), err)
	}
}

// runs fails the test where a pod that is not ending runs another version.
func runs(t *testing.T, version string) {
	t.Helper()
	pods := &corev1.PodList{}
	if err := api(t).List(t.Context(), pods, client.InNamespace(product.Namespace)); err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil {
			count++
			if image := pod.Spec.Containers[0].Image; !strings.HasSuffix(image, ":"+version) {
				t.Errorf("%s runs %s, want version %s", pod.Name, image, version)
			}
		}
	}
	if count != 2 {
		t.Errorf("%d pods run, want 2", count)
	}
}

// secret is one of the install's.
func secret(t *testing.T, name string) map[string][]byte {
	t.Helper()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: product.Namespace, Name: name}}
	if err := api(t).Get(t.Context(), client.ObjectKeyFromObject(s), s); err != nil {
		t.Fatal(err)
	}
	return s.Data
}

func TestSelfSigned(t *testing.T) {
	life(t, func(t *testing.T) {
		name := product.Release + "-certificate"
		before := secret(t, name)
		product.Eventually(t, func() (bool, string) {
			now := secret(t, name)
			return !bytes.Equal(now["tls.crt"], before["tls.crt"]) && !bytes.Equal(now["ca.crt"], before["ca.crt"]), "certificate and authority have not changed"
		})
	}, "certificates.lifetime=60s", "certificates.caLifetime=200s")
}

// TestFailingClosedFailsNoApply has the API server refuse what it cannot ask about: then every gap
// is a failed apply, that of the uninstall included.
func TestFailingClosedFailsNoApply(t *testing.T) {
	life(t, func(*testing.T) {}, "webhook.failurePolicy=Fail")
}
