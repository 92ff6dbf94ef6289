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

// CertManager is a certificate that cert-manager makes and renews. Its Secret is mounted, so that Reprise needs no
// right to read Secrets; why there is none, the Certificate says.
type CertManager struct {
	Files
	// Live reads the Certificate from the API server each time: a watch would not survive that cert-manager is removed.
	Live   client.Reader
	Object types.NamespacedName
}

// Advice implements Source.
func (c CertManager) Advice(ctx context.Context) string {
	stored := &certmanagerv1.Certificate{}
	err := c.Live.Get(ctx, c.Object, stored)
	switch {
	case meta.IsNoMatchError(err):
		return "cert-manager is not installed: the API server knows no Certificate of cert-manager.io/v1; install it, or set certificates.mode to self-signed"
	case apierrors.IsNotFound(err):
		return fmt.Sprintf("Certificate %s does not exist: helm upgrade puts it back", c.Object)
	case err != nil:
		return fmt.Sprintf("why it is so cannot be told: reading Certificate %s: %v", c.Object, err)
	}
	if why := notReady(stored); why != "" {
		return fmt.Sprintf("%s; see kubectl describe certificate %s -n %s", why, c.Object.Name, c.Object.Namespace)
	}
	return fmt.Sprintf("Certificate %s is ready: its Secret reaches a pod within two minutes, and cert-manager's cainjector writes the caBundle; see its log if it does not", c.Object)
}

// notReady is why a Certificate is not ready, or was not renewed, in cert-manager's words; empty where it is well.
func notReady(c *certmanagerv1.Certificate) string {
	why := []string{"cert-manager has not looked at it yet; is it running?"}
	for _, condition := range c.Status.Conditions {
		if condition.Type == certmanagerv1.CertificateConditionReady {
			why = nil
			if condition.Status != certmanagermetav1.ConditionTrue {
				why = []string{said(condition)}
			}
		}
	}
	for _, condition := range c.Status.Conditions {
		if condition.Type == certmanagerv1.CertificateConditionIssuing && condition.Reason == "Failed" {
			why = append(why, "the last try failed: "+said(condition))
		}
	}
	if len(why) == 0 {
		return ""
	}
	return fmt.Sprintf("Certificate %s/%s: %s", c.Namespace, c.Name, strings.Join(why, "; "))
}

func said(c certmanagerv1.CertificateCondition) string { return c.Reason + ": " + c.Message }
