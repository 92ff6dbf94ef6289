package onnode

import (
	"context"
	"os"
	"testing"
	"time"

	certmanagerv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmanagermetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/cluster"
	"reprise.dev/reprise/test/cluster/node"
	"reprise.dev/reprise/test/product"
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

// renew has cert-manager issue the serving certificate anew, as `cmctl renew` does, and waits until it has.
func renew(t *testing.T) {
	t.Helper()
	c, stored := api(t), &certmanagerv1.Certificate{}
	if err := certmanagerv1.AddToScheme(c.Scheme()); err != nil {
		t.Fatal(err)
	}
	key := client.ObjectKey{Namespace: product.Namespace, Name: product.Release}
	before := 0
	product.Eventually(t, func() (bool, string) {
		if err := c.Get(t.Context(), key, stored); err != nil {
			return false, err.Error()
		}
		if stored.Status.Revision != nil {
			before = *stored.Status.Revision
		}
		stored.Status.Conditions = append(stored.Status.Conditions, certmanagerv1.CertificateCondition{
			Type: certmanagerv1.CertificateConditionIssuing, Status: certmanagermetav1.ConditionTrue,
			Reason: "ManuallyTriggered", LastTransitionTime: new(metav1.Now()),
		})
		err := c.Status().Update(t.Context(), stored)
		return err == nil, "the Certificate cannot be renewed"
	})
	product.Eventually(t, func() (bool, string) {
		err := c.Get(t.Context(), key, stored)
		return err == nil && stored.Status.Revision != nil && *stored.Status.Revision > before, "it is not issued anew"
	})
	t.Logf("cert-manager has renewed it at %s", time.Now().Format(time.TimeOnly))
}
