package controller

import (
	"testing"

	certmanagerv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmanagermetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestNotReady(t *testing.T) {
	condition := func(kind certmanagerv1.CertificateConditionType, status certmanagermetav1.ConditionStatus, reason, message string) certmanagerv1.CertificateCondition {
		return certmanagerv1.CertificateCondition{Type: kind, Status: status, Reason: reason, Message: message}
	}
	ready := condition(certmanagerv1.CertificateConditionReady, certmanagermetav1.ConditionTrue, "Ready", "up to date")
	missing := condition(certmanagerv1.CertificateConditionReady, certmanagermetav1.ConditionFalse, "DoesNotExist", "Secret does not exist")
	failed := condition(certmanagerv1.CertificateConditionIssuing, certmanagermetav1.ConditionFalse, "Failed", "the issuer has no CA")
	for name, tt := range map[string]struct {
		conditions []certmanagerv1.CertificateCondition
		want       string
	}{
		"new":                {nil, "Certificate n/r: cert-manager has not processed it yet; check that cert-manager runs"},
		"ready":              {[]certmanagerv1.CertificateCondition{ready}, ""},
		"not issued":         {[]certmanagerv1.CertificateCondition{missing}, "Certificate n/r: DoesNotExist: Secret does not exist"},
		"refused":            {[]certmanagerv1.CertificateCondition{missing, failed}, "Certificate n/r: DoesNotExist: Secret does not exist; the last attempt failed: Failed: the issuer has no CA"},
		"ready, not renewed": {[]certmanagerv1.CertificateCondition{ready, failed}, "Certificate n/r: the last attempt failed: Failed: the issuer has no CA"},
	} {
		c := &certmanagerv1.Certificate{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "r"}, Status: certmanagerv1.CertificateStatus{Conditions: tt.conditions}}
		if got := notReady(c); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
