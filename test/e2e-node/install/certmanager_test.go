package install

import (
	"context"
	"os"
	"testing"
	"time"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/node"
	"reprise.dev/reprise/test/harness/product"
)

func TestCertManager(t *testing.T) {
	node.Require(t)
	if err := shared.InstallCertManagerCRDs(t.Context()); err != nil {
		t.Fatal(err)
	}
	paths, err := cluster.Binaries(t.Context(), os.Stderr, cluster.CertManager)
	if err != nil {
		t.Fatal(err)
	}
	stop, err := shared.RunBeside(t.Context(), cluster.CertManager, paths[cluster.CertManager],
		[]string{"--api=" + shared.Kubeconfig()}, func(context.Context) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	life(t, func(t *testing.T) {
		renew(t)
		// The kubelet brings it within its period, and it is served some time after.
		issued := secret(t, product.Release+"-tls")["tls.crt"]
		product.Eventually(t, func() (bool, string) { return served(t, issued), "the renewed certificate is not served" })
	}, "certificates.mode=cert-manager")
}

// renew has cert-manager issue the serving certificate anew.
func renew(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := shared.RenewCertificate(ctx, product.Namespace, product.Release); err != nil {
		t.Fatal(err)
	}
	t.Logf("cert-manager has renewed it at %s", time.Now().Format(time.TimeOnly))
}
