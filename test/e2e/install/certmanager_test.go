package install

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/load"
	"reprise.dev/reprise/test/harness/product"
)

// leafSecret is the Secret that cert-manager keeps the serving certificate in, authority that of
// what signs it.
const (
	leafSecret = product.Release + "-tls"
	authority  = product.Release + "-authority"
)

// TestCertManagerRenewsUnderLoadWithoutOneUncheckedApply has cert-manager's real controllers and
// its cainjector. The kubelet, which brings the Secret into the pods, is played, with a lag.
func TestCertManagerRenewsUnderLoadWithoutOneUncheckedApply(t *testing.T) {
	definitions(t)
	front := newBalancer(t)
	values := own(front.port)
	values["certificates"] = map[string]any{"mode": "cert-manager"}
	installed(t, values)
	var replicas []*product.Instance
	for _, name := range []string{"with-cert-manager-1", "with-cert-manager-2"} {
		at := port(t)
		replicas = append(replicas, launched(t, name, at, mounted(t)...))
		front.add(at)
	}
	told(t, "CertificateNotReady", "cert-manager has not processed it yet; check that cert-manager runs")
	startCertManager(t)
	for _, i := range replicas {
		ready(t, i)
	}
	l := load.Start(t, shared)
	l.Handshakes(front.address())
	renew(t, product.Release)
	everywhere(t, front)
	t.Log("the served certificate was renewed, and is served without a restart")
	trusted := bundle(t)
	renew(t, authority)
	renew(t, product.Release)
	product.Eventually(t, func() (bool, string) {
		return !bytes.Equal(trusted, bundle(t)), "the renewed authority is not trusted"
	})
	everywhere(t, front)
	t.Log("the authority was renewed, and what it signs is served")
	l.Flawless()
}

// definitions installs cert-manager's definitions, and removes them at the end of the test.
func definitions(t *testing.T) {
	t.Helper()
	if err := shared.InstallCertManagerCRDs(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		list := &unstructured.UnstructuredList{}
		list.SetAPIVersion("apiextensions.k8s.io/v1")
		list.SetKind("CustomResourceDefinitionList")
		c, err := product.NewClient(shared)
		if err == nil {
			err = c.List(context.Background(), list)
		}
		for i := range list.Items {
			if err == nil && strings.HasSuffix(list.Items[i].GetName(), "cert-manager.io") {
				err = c.Delete(context.Background(), &list.Items[i])
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// startCertManager starts it beside the cluster.
func startCertManager(t *testing.T) {
	t.Helper()
	paths, err := cluster.Binaries(t.Context(), os.Stderr, cluster.CertManager)
	if err != nil {
		t.Fatal(err)
	}
	stop, err := shared.RunBeside(t.Context(), cluster.CertManager, paths[cluster.CertManager],
		[]string{"--api=" + shared.Kubeconfig()}, func(context.Context) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if logs, err := shared.Logs(cluster.CertManager); err == nil && t.Failed() {
			lines := strings.Split(logs, "\n")
			t.Logf("cert-manager says:\n%s", strings.Join(lines[max(0, len(lines)-30):], "\n"))
		}
	})
}

// kubeletLag is how long the played kubelet takes to bring a changed Secret into the pods.
const kubeletLag = 3 * time.Second

// mounted plays the kubelet: it keeps a folder like a mounted Secret, and returns the flags that
// name its files.
func mounted(t *testing.T) []string {
	t.Helper()
	dir, c := t.TempDir(), api(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			s := &corev1.Secret{}
			if c.Get(ctx, client.ObjectKey{Namespace: product.Namespace, Name: leafSecret}, s) == nil && len(s.Data["tls.crt"]) > 0 {
				swap(dir, n, s)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(kubeletLag):
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return []string{
		"--cert-mode=cert-manager", "--tls-cert-file=" + filepath.Join(dir, "..data", "tls.crt"),
		"--tls-private-key-file=" + filepath.Join(dir, "..data", "tls.key"),
	}
}

// swap writes the Secret's files and has them appear at once, as the kubelet does.
func swap(dir string, n int, s *corev1.Secret) {
	name := strconv.Itoa(n)
	folder := filepath.Join(dir, name)
	if os.Mkdir(folder, 0o700) != nil {
		return
	}
	for key, content := range s.Data {
		if os.WriteFile(filepath.Join(folder, key), content, 0o600) != nil {
			return
		}
	}
	link := filepath.Join(dir, "next")
	if os.Symlink(name, link) == nil {
		_ = os.Rename(link, filepath.Join(dir, "..data"))
	}
}

// renew has cert-manager issue a Certificate anew.
func renew(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := shared.RenewCertificate(ctx, product.Namespace, name); err != nil {
		t.Fatal(err)
	}
}

// everywhere waits until every replica serves what the Secret holds.
func everywhere(t *testing.T, front *balancer) {
	t.Helper()
	product.Eventually(t, func() (bool, string) {
		served := servedAt(t, front)
		return len(served) > 0 && bytes.HasPrefix(certOf(t), served), "what cert-manager has issued is not served everywhere"
	})
}

// certOf is the certificate in the Secret.
func certOf(t *testing.T) []byte {
	t.Helper()
	s := &corev1.Secret{}
	if err := api(t).Get(t.Context(), client.ObjectKey{Namespace: product.Namespace, Name: leafSecret}, s); err != nil {
		t.Fatal(err)
	}
	return s.Data["tls.crt"]
}
