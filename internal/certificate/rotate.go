package certificate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"time"
)

// Bundle is the content of the Secret of a self-signed certificate. The CA signs the serving
// certificate. The API server also trusts the next CA and the former ones, so that it trusts every
// replica during a rotation.
type Bundle struct {
	// CA signs the serving certificate. NextCA is trusted and does not sign; it is empty unless a
	// rotation has begun.
	CA, NextCA Pair
	// FormerCAs are the certificates of CAs that signed earlier serving certificates, in PEM.
	FormerCAs []byte
	// Serving is the serving certificate of admission.
	Serving Pair
}

// The keys of the Secret. Those of the CA and of the serving certificate are cert-controller's.
const (
	servingCertificate   = "tls.crt"
	servingKey           = "tls.key"
	caCertificate        = "ca.crt"
	caKey                = "ca.key"
	nextCACertificate    = "next-ca.crt"
	nextCAKey            = "next-ca.key"
	formerCACertificates = "former-ca.crt"
)

// FromSecret returns the bundle of a Secret's data.
func FromSecret(data map[string][]byte) Bundle {
	return Bundle{
		CA:        Pair{data[caCertificate], data[caKey]},
		NextCA:    Pair{data[nextCACertificate], data[nextCAKey]},
		FormerCAs: data[formerCACertificates],
		Serving:   Pair{data[servingCertificate], data[servingKey]},
	}
}

// Data returns the Secret's data.
func (b Bundle) Data() map[string][]byte {
	data := map[string][]byte{
		caCertificate: b.CA.Certificate, caKey: b.CA.Key,
		nextCACertificate: b.NextCA.Certificate, nextCAKey: b.NextCA.Key,
		formerCACertificates: b.FormerCAs,
		servingCertificate:   b.Serving.Certificate, servingKey: b.Serving.Key,
	}
	for key, value := range data {
		if len(value) == 0 {
			delete(data, key)
		}
	}
	return data
}

// CABundle returns the caBundle of the webhook configurations, in PEM: all CAs of the bundle that
// have not expired.
func (b Bundle) CABundle(now time.Time) []byte {
	var bundle bytes.Buffer
	for _, c := range slices.Concat(certificates(b.CA.Certificate), certificates(b.NextCA.Certificate), certificates(b.FormerCAs)) {
		if !now.After(c.NotAfter) {
			bundle.Write(encode(c))
		}
	}
	return bundle.Bytes()
}

// Issuer issues self-signed certificates.
type Issuer struct {
	// Lifetime is that of a serving certificate, which is renewed in the last third.
	Lifetime time.Duration
	// CALifetime is that of a CA; at least three times Lifetime.
	CALifetime time.Duration
}

// maxPropagationDelay limits PropagationDelay for long lifetimes.
const maxPropagationDelay = 10 * time.Minute

// PropagationDelay returns how long to wait until every API server and every replica has seen a
// change. All of them watch.
func (i Issuer) PropagationDelay() time.Duration { return min(i.Lifetime/20, maxPropagationDelay) }

// Step is a step of a rotation.
type Step int

// The steps. A CA is replaced in three: the new one is trusted, then it signs, then the former one
// is no longer trusted.
const (
	// Keep changes nothing.
	Keep Step = iota
	// Init issues a CA and a serving certificate, because there is no valid CA.
	Init
	// StageCA issues the next CA, which is trusted and does not sign.
	StageCA
	// ActivateCA makes the next CA the signing one.
	ActivateCA
	// Renew issues a serving certificate by the same CA.
	Renew
	// RetireCA removes the former CAs from the trusted ones.
	RetireCA
)

// String returns the name of the step for the log.
func (s Step) String() string {
	return [...]string{"keep", "init", "stage CA", "activate CA", "renew", "retire CA"}[s]
}

// Next returns the step that is due. The serving certificate must be valid for every one of the
// names. The webhooks have the CAs that the API server trusts.
func (i Issuer) Next(b Bundle, names []string, webhooks []Webhook, now time.Time) Step {
	ca := leafOf(b.CA)
	if ca == nil || !ca.IsCA || now.After(ca.NotAfter) {
		return Init
	}
	next := leafOf(b.NextCA)
	// A serving certificate must expire before its CA.
	if ca.NotAfter.Sub(now) < max(2*i.Lifetime, i.CALifetime/10) {
		switch {
		case next == nil || !next.IsCA:
			return StageCA
		case trustedEverywhere(next, webhooks) && now.Sub(issuedAt(next)) >= i.PropagationDelay():
			return ActivateCA
		}
	}
	if !i.current(b, ca, names, now) {
		return Renew
	}
	// The replicas need one delay to see the new certificate, and one to wait until every API server
	// trusts it. The third is a margin.
	if len(b.FormerCAs) > 0 && now.Sub(issuedAt(leafOf(b.Serving))) >= 3*i.PropagationDelay() {
		return RetireCA
	}
	return Keep
}

// current reports whether the serving certificate needs no renewal.
func (i Issuer) current(b Bundle, ca *x509.Certificate, names []string, now time.Time) bool {
	serving := leafOf(b.Serving)
	if serving == nil || now.Before(serving.NotBefore) || serving.NotAfter.Sub(now) < i.Lifetime/3 {
		return false
	}
	if serving.CheckSignatureFrom(ca) != nil {
		return false
	}
	return !slices.ContainsFunc(names, func(name string) bool { return serving.VerifyHostname(name) != nil })
}

// trustedEverywhere reports whether the caBundle of every webhook contains the CA.
func trustedEverywhere(ca *x509.Certificate, webhooks []Webhook) bool {
	for _, webhook := range webhooks {
		if !slices.ContainsFunc(certificates(webhook.CABundle), ca.Equal) {
			return false
		}
	}
	return len(webhooks) > 0
}

// Signers returns the trusted CAs that signed the served certificate, in PEM. The API server must
// trust them until the replicas serve another certificate.
func Signers(served Pair, webhooks []Webhook) []byte {
	leaf := leafOf(served)
	if leaf == nil {
		return nil
	}
	var found []*x509.Certificate
	for _, webhook := range webhooks {
		for _, c := range certificates(webhook.CABundle) {
			if leaf.CheckSignatureFrom(c) == nil && !slices.ContainsFunc(found, c.Equal) {
				found = append(found, c)
			}
		}
	}
	var all bytes.Buffer
	for _, c := range found {
		all.Write(encode(c))
	}
	return all.Bytes()
}

// maxBackdate limits how far in the past a new certificate starts to be valid, which allows for
// clock skew.
const maxBackdate = time.Hour

func backdate(lifetime time.Duration) time.Duration { return min(lifetime/10, maxBackdate) }

// issuedAt returns when Reprise issued a certificate, which is later than NotBefore.
func issuedAt(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(min(c.NotAfter.Sub(c.NotBefore)/11, maxBackdate))
}

// leafOf returns the first certificate of a pair; nil if the pair is invalid.
func leafOf(p Pair) *x509.Certificate {
	loaded, err := tls.X509KeyPair(p.Certificate, p.Key)
	if err != nil {
		return nil
	}
	return loaded.Leaf
}

// certificates returns the certificates of a PEM bundle, without those that cannot be parsed.
func certificates(bundle []byte) []*x509.Certificate {
	var all []*x509.Certificate
	for {
		var block *pem.Block
		if block, bundle = pem.Decode(bundle); block == nil {
			return all
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			all = append(all, c)
		}
	}
}

func encode(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
