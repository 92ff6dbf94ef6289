// Package certificate answers whether the API server will trust what admission is served with, as of now, and keeps it so.
//
// fit.go and rotate.go decide; the other files hold a client.
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

// State is how well a certificate serves.
type State int

// The states. The zero value says that nothing is known yet.
const (
	Unknown State = iota
	// Invalid means that the API server would not trust it: admission is not served.
	Invalid
	// Expiring means that it serves, and that its renewal is overdue.
	Expiring
	// Valid means that it serves.
	Valid
)

// Pair is a certificate, with the chain that leads to its authority, and its private key: PEM.
type Pair struct{ Certificate, Key []byte }

// Webhook is one webhook as the API server calls it.
type Webhook struct {
	// Configuration names the object that holds it, with its kind.
	Configuration string
	// Host is the name that the API server expects the certificate to be for.
	Host string
	// CABundle are the authorities that it trusts there, PEM.
	CABundle []byte
}

// Verdict says whether a certificate is fit.
type Verdict struct {
	State State
	// Reason is one clause that says why it is not, or until when it is; empty where it is fit.
	Reason string
	// Expires is when it ends; zero where there is no certificate that can be read.
	Expires time.Time
}

// Serves says whether the API server trusts it.
func (v Verdict) Serves() bool { return v.State == Valid || v.State == Expiring }

// unfit is why it does not serve; empty where it does.
func (v Verdict) unfit() string {
	if v.Serves() {
		return ""
	}
	return v.Reason
}

// warnBefore is the longest time before its end that a certificate is called expiring.
const warnBefore = 14 * 24 * time.Hour

// Judge says whether the API server will trust a certificate at every hook. It is expiring in the last sixth of its
// life, at most two weeks: whoever renews in time does so before, cert-manager in the last third.
func Judge(pair Pair, hooks []Webhook, now time.Time) Verdict {
	if len(pair.Certificate) == 0 && len(pair.Key) == 0 {
		return Verdict{State: Invalid, Reason: "there is no serving certificate yet"}
	}
	loaded, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return Verdict{State: Invalid, Reason: "the serving certificate cannot be used: " + strings.TrimPrefix(err.Error(), "tls: ")}
	}
	leaf, until := loaded.Leaf, loaded.Leaf.NotAfter.UTC().Format(time.RFC3339)
	v := Verdict{State: Invalid, Expires: leaf.NotAfter}
	switch {
	case now.After(leaf.NotAfter):
		v.Reason = "the serving certificate expired at " + until
		return v
	case now.Before(leaf.NotBefore):
		v.Reason = "the serving certificate is valid from " + leaf.NotBefore.UTC().Format(time.RFC3339) + " only; is a clock wrong?"
		return v
	}
	for _, hook := range hooks {
		if err := trusted(loaded, hook, now); err != nil {
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

// trusted says why the API server does not trust a certificate at a hook; nil where it does. It verifies as the API
// server does (k8s.io/apiserver/pkg/util/webhook builds a tls.Config with the bundle as its roots).
func trusted(c tls.Certificate, hook Webhook, now time.Time) error {
	if err := c.Leaf.VerifyHostname(hook.Host); err != nil {
		return fmt.Errorf("the serving certificate is for %s, and %s calls it by the name %s", namesOf(c.Leaf), hook.Configuration, hook.Host)
	}
	if len(hook.CABundle) == 0 {
		return fmt.Errorf("%s has no caBundle: the API server trusts no serving certificate", hook.Configuration)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(hook.CABundle) {
		return fmt.Errorf("the caBundle of %s holds no certificate that can be read", hook.Configuration)
	}
	_, err := c.Leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: chain(c), DNSName: hook.Host, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if unknown := (x509.UnknownAuthorityError{}); errors.As(err, &unknown) {
		return fmt.Errorf("the caBundle of %s is not that of the authority which signed the serving certificate (%s)", hook.Configuration, c.Leaf.Issuer)
	}
	if err != nil {
		return fmt.Errorf("by the caBundle of %s the serving certificate does not hold: %s", hook.Configuration, strings.TrimPrefix(err.Error(), "x509: "))
	}
	return nil
}

// chain are the certificates between the leaf and its authority.
func chain(c tls.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, der := range c.Certificate[1:] {
		if between, err := x509.ParseCertificate(der); err == nil {
			pool.AddCert(between)
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
