package certificate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"time"
)

// Bundle is what Reprise's own authority has made: the content of its Secret. What is served is signed by the
// authority; the API server is told to trust the next and the former one as well, so that it trusts every replica
// before, while and after they change.
type Bundle struct {
	// Authority signs; Next will, and is only trusted as yet.
	Authority, Next Pair
	// Former signed what was served before: certificates, PEM.
	Former []byte
	// Serving is what admission is served with.
	Serving Pair
}

// The keys of the Secret. Those of the authority and of what is served are cert-controller's.
const (
	servingCertificate   = "tls.crt"
	servingKey           = "tls.key"
	authorityCertificate = "ca.crt"
	authorityKey         = "ca.key"
	nextCertificate      = "next-ca.crt"
	nextKey              = "next-ca.key"
	formerCertificates   = "former-ca.crt"
)

// BundleOf reads a Secret's data.
func BundleOf(data map[string][]byte) Bundle {
	return Bundle{
		Authority: Pair{data[authorityCertificate], data[authorityKey]},
		Next:      Pair{data[nextCertificate], data[nextKey]},
		Former:    data[formerCertificates],
		Serving:   Pair{data[servingCertificate], data[servingKey]},
	}
}

// Data is the Secret's data.
func (m Bundle) Data() map[string][]byte {
	data := map[string][]byte{
		authorityCertificate: m.Authority.Certificate, authorityKey: m.Authority.Key,
		nextCertificate: m.Next.Certificate, nextKey: m.Next.Key,
		formerCertificates: m.Former,
		servingCertificate: m.Serving.Certificate, servingKey: m.Serving.Key,
	}
	for key, value := range data {
		if len(value) == 0 {
			delete(data, key)
		}
	}
	return data
}

// CABundle are the authorities that the API server is to trust: that which signs, the next and the former ones.
func (m Bundle) CABundle(now time.Time) []byte {
	var bundle bytes.Buffer
	for _, c := range slices.Concat(certificates(m.Authority.Certificate), certificates(m.Next.Certificate), certificates(m.Former)) {
		if !now.After(c.NotAfter) {
			bundle.Write(encode(c))
		}
	}
	return bundle.Bytes()
}

// Terms are how long certificates hold.
type Terms struct {
	// Lifetime is that of what is served; it is renewed in the last third.
	Lifetime time.Duration
	// AuthorityLifetime is that of the authority.
	AuthorityLifetime time.Duration
}

// longestSettle bounds how long a change is given to reach every API server and replica.
const longestSettle = 10 * time.Minute

// Settle is how long a change is given to reach every API server and every replica, all of which watch.
func (t Terms) Settle() time.Duration { return min(t.Lifetime/20, longestSettle) }

// Step is what is to be done to the material next.
type Step int

// The steps. An authority is replaced in three: it is trusted, then it signs, then the former one is forgotten.
const (
	// Keep: nothing is to be done.
	Keep Step = iota
	// Init makes an authority and what is served, since there is none that can be used.
	Init
	// StageCA makes the next authority, which is only trusted as yet.
	StageCA
	// ActivateCA has the next authority sign.
	ActivateCA
	// Renew makes what is served anew, by the same authority.
	Renew
	// RetireCA no longer has the former authority trusted.
	RetireCA
)

func (s Step) String() string {
	return [...]string{"keep", "begin", "prepare the next authority", "switch to the next authority", "renew", "forget the former authority"}[s]
}

// Next says what is to be done now. What is served is to be for every one of the names; hooks are what the API server
// trusts.
func (t Terms) Next(m Bundle, names []string, hooks []Webhook, now time.Time) Step {
	authority := leafOf(m.Authority)
	if authority == nil || !authority.IsCA || now.After(authority.NotAfter) {
		return Init
	}
	next := leafOf(m.Next)
	// Whatever the authority signs must end before it does.
	if authority.NotAfter.Sub(now) < max(2*t.Lifetime, t.AuthorityLifetime/10) {
		switch {
		case next == nil || !next.IsCA:
			return StageCA
		case trustedEverywhere(next, hooks) && now.Sub(issuedAt(next)) >= t.Settle():
			return ActivateCA
		}
	}
	if !t.serves(m, authority, names, now) {
		return Renew
	}
	// Once for the replicas to see it, once for them to wait until every API server trusts it, and once more.
	if len(m.Former) > 0 && now.Sub(issuedAt(leafOf(m.Serving))) >= 3*t.Settle() {
		return RetireCA
	}
	return Keep
}

// serves says whether what is served need not be renewed.
func (t Terms) serves(m Bundle, authority *x509.Certificate, names []string, now time.Time) bool {
	serving := leafOf(m.Serving)
	if serving == nil || now.Before(serving.NotBefore) || serving.NotAfter.Sub(now) < t.Lifetime/3 {
		return false
	}
	if serving.CheckSignatureFrom(authority) != nil {
		return false
	}
	return !slices.ContainsFunc(names, func(name string) bool { return serving.VerifyHostname(name) != nil })
}

// trustedEverywhere says whether every hook's bundle holds the authority.
func trustedEverywhere(authority *x509.Certificate, hooks []Webhook) bool {
	for _, hook := range hooks {
		if !slices.ContainsFunc(certificates(hook.CABundle), authority.Equal) {
			return false
		}
	}
	return len(hooks) > 0
}

// Signers are those authorities that a hook trusts and that signed the served certificate: PEM. They must go on being
// trusted while another takes its place.
func Signers(served Pair, hooks []Webhook) []byte {
	leaf := leafOf(served)
	if leaf == nil {
		return nil
	}
	var found []*x509.Certificate
	for _, hook := range hooks {
		for _, c := range certificates(hook.CABundle) {
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

// longestBackdate is how far a certificate's beginning lies in the past, for clocks that differ.
const longestBackdate = time.Hour

func backdate(lifetime time.Duration) time.Duration { return min(lifetime/10, longestBackdate) }

// issuedAt is when Reprise made a certificate: it dates the beginning back.
func issuedAt(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(min(c.NotAfter.Sub(c.NotBefore)/11, longestBackdate))
}

// leafOf is the first certificate of a pair whose key belongs to it; nil where it cannot be used.
func leafOf(p Pair) *x509.Certificate {
	loaded, err := tls.X509KeyPair(p.Certificate, p.Key)
	if err != nil {
		return nil
	}
	return loaded.Leaf
}

// certificates are those of a PEM that can be read.
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
