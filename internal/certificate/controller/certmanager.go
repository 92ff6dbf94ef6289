package controller

import (
	"context"
	"fmt"
	"strings"

	certmanagerv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmanagermetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// CertManager reads a certificate that cert-manager issues and renews. Its Secret is mounted, so
// Reprise needs no permission to read Secrets. The Certificate says why there is none.
type CertManager struct {
	Files
	// Live reads the Certificate without a cache, because a watch would fail if cert-manager is
	// removed.
	Live   client.Reader
	Object types.NamespacedName
}

// Advice implements Source.
func (c CertManager) Advice(ctx context.Context) string {
	stored := &certmanagerv1.Certificate{}
	err := c.Live.Get(ctx, c.Object, stored)
	switch {
	case meta.IsNoMatchError(err):
		return "cert-manager is not installed (the API server has no cert-manager.io/v1 Certificate); install it, or set certificates.mode to self-signed"
	case apierrors.IsNotFound(err):
		return fmt.Sprintf("Certificate %s does not exist: helm upgrade restores it", c.Object)
	case err != nil:
		return fmt.Sprintf("the reason is unknown: reading Certificate %s: %v", c.Object, err)
	}
	if why := notReady(stored); why != "" {
		return fmt.Sprintf("%s; see kubectl describe certificate %s -n %s", why, c.Object.Name, c.Object.Namespace)
	}
	return fmt.Sprintf("Certificate %s is ready: the kubelet updates the mounted Secret within two minutes, and cert-manager's cainjector writes the caBundle; see its log for errors", c.Object)
}

// notReady returns cert-manager's reason why a Certificate is not ready or not renewed; empty if it
// is both.
func notReady(c *certmanagerv1.Certificate) string {
	why := []string{"cert-manager has not processed it yet; check that cert-manager runs"}
	for _, condition := range c.Status.Conditions {
		if condition.Type == certmanagerv1.CertificateConditionReady {
			why = nil
			if condition.Status != certmanagermetav1.ConditionTrue {
				why = []string{describe(condition)}
			}
		}
	}
	for _, condition := range c.Status.Conditions {
		if condition.Type == certmanagerv1.CertificateConditionIssuing && condition.Reason == "Failed" {
			why = append(why, "the last attempt failed: "+describe(condition))
		}
	}
	if len(why) == 0 {
		return ""
	}
	return fmt.Sprintf("Certificate %s/%s: %s", c.Namespace, c.Name, strings.Join(why, "; "))
}

func describe(c certmanagerv1.CertificateCondition) string { return c.Reason + ": " + c.Message }
