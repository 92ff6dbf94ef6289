// Package certificate verifies that the API server trusts the serving certificate of admission, and
// issues and rotates a self-signed one. It has no client; package controller applies its decisions.
package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// State is the state of a serving certificate.
type State int

// The states. The zero value means that it has not been verified.
const (
	Unknown State = iota
	// Invalid means that the API server does not trust it, so admission is not served.
	Invalid
	// Expiring means that it is valid and its renewal is overdue.
	Expiring
	// Valid means that the API server trusts it.
	Valid
)

// Pair is a certificate with its chain, and its private key, in PEM.
type Pair struct{ Certificate, Key []byte }

// Webhook is how the API server calls a webhook.
type Webhook struct {
	// Configuration is the kind and the name of the webhook configuration.
	Configuration string
	// Host is the hostname that the API server verifies.
	Host string
	// CABundle has the CAs that the API server trusts, in PEM.
	CABundle []byte
}

// Result is the result of Verify.
type Result struct {
	State State
	// Reason is a clause that explains the state; empty if it is Valid.
	Reason string
	// Expires is the expiry; zero if there is no certificate that can be parsed.
	Expires time.Time
}

// Serves reports whether the API server trusts the certificate.
func (v Result) Serves() bool { return v.State == Valid || v.State == Expiring }

// problem returns why the API server does not trust the certificate; empty if it does.
func (v Result) problem() string {
	if v.Serves() {
		return ""
	}
	return v.Reason
}

// warnBefore limits how long before its expiry a certificate is Expiring.
const warnBefore = 14 * 24 * time.Hour

// Verify checks that the API server trusts a certificate at every webhook. A certificate is
// Expiring in the last sixth of its lifetime, at most two weeks: Reprise and cert-manager renew in
// the last third.
func Verify(pair Pair, webhooks []Webhook, now time.Time) Result {
	if len(pair.Certificate) == 0 && len(pair.Key) == 0 {
		return Result{State: Invalid, Reason: "there is no serving certificate yet"}
	}
	loaded, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return Result{State: Invalid, Reason: "the serving certificate is invalid: " + strings.TrimPrefix(err.Error(), "tls: ")}
	}
	leaf, until := loaded.Leaf, loaded.Leaf.NotAfter.UTC().Format(time.RFC3339)
	v := Result{State: Invalid, Expires: leaf.NotAfter}
	switch {
	case now.After(leaf.NotAfter):
		v.Reason = "the serving certificate expired at " + until
		return v
	case now.Before(leaf.NotBefore):
		v.Reason = "the serving certificate is valid from " + leaf.NotBefore.UTC().Format(time.RFC3339) + "; check the clocks of the nodes"
		return v
	}
	for _, webhook := range webhooks {
		if err := trusted(loaded, webhook, now); err != nil {
			v.Reason = err.Error()
			return v
		}
	}
	v.State = Valid
	if left := leaf.NotAfter.Sub(now); left < min(leaf.NotAfter.Sub(leaf.NotBefore)/6, warnBefore) {
		v.State, v.Reason = Expiring, "the serving certificate expires at "+until+" and was not renewed"
	}
	return v
}

// trusted returns why the API server does not trust a certificate at a webhook; nil if it does. It
// verifies as the API server does (k8s.io/apiserver/pkg/util/webhook builds a tls.Config with the
// bundle as its roots).
func trusted(c tls.Certificate, webhook Webhook, now time.Time) error {
	if err := c.Leaf.VerifyHostname(webhook.Host); err != nil {
		return fmt.Errorf("the serving certificate is for %s, but %s calls the host %s", namesOf(c.Leaf), webhook.Configuration, webhook.Host)
	}
	if len(webhook.CABundle) == 0 {
		return fmt.Errorf("%s has no caBundle, so the API server trusts no serving certificate", webhook.Configuration)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(webhook.CABundle) {
		return fmt.Errorf("the caBundle of %s contains no valid certificate", webhook.Configuration)
	}
	_, err := c.Leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: chain(c), DNSName: webhook.Host, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if unknown := (x509.UnknownAuthorityError{}); errors.As(err, &unknown) {
		return fmt.Errorf("the caBundle of %s does not contain the CA that signed the serving certificate (%s)", webhook.Configuration, c.Leaf.Issuer)
	}
	if err != nil {
		return fmt.Errorf("the serving certificate fails verification with the caBundle of %s: %s", webhook.Configuration, strings.TrimPrefix(err.Error(), "x509: "))
	}
	return nil
}

// chain returns the intermediate certificates.
func chain(c tls.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, der := range c.Certificate[1:] {
		if intermediate, err := x509.ParseCertificate(der); err == nil {
			pool.AddCert(intermediate)
		}
	}
	return pool
}

func namesOf(leaf *x509.Certificate) string {
	names := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no host"
	}
	return strings.Join(names, ", ")
}
