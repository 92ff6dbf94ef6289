package certificate

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/open-policy-agent/cert-controller/pkg/rotator"
)

// Rotate does a step. trusted are the authorities, PEM, that are to be trusted on if a new one begins.
func (t Terms) Rotate(step Step, m Bundle, names []string, trusted []byte, now time.Time) (Bundle, error) {
	var err error
	switch step {
	case Init:
		m = Bundle{Former: trusted}
		if m.Authority, err = t.authority(now); err == nil {
			m.Serving, err = t.sign(m.Authority, names, now)
		}
	case StageCA:
		m.Next, err = t.authority(now)
	case ActivateCA:
		m.Former, m.Authority, m.Next = m.Authority.Certificate, m.Next, Pair{}
		m.Serving, err = t.sign(m.Authority, names, now)
	case Renew:
		m.Serving, err = t.sign(m.Authority, names, now)
	case RetireCA:
		m.Former = nil
	case Keep:
	}
	if err != nil {
		return Bundle{}, fmt.Errorf("certificates, %s: %w", step, err)
	}
	return m, nil
}

// authorityName is the subject of Reprise's authorities. Two of one name are told apart by the identifiers of their
// keys.
const authorityName = "reprise-ca"

// authority makes one. The certificates are cert-controller's; when to make them is not, see docs/adr/0003.
func (t Terms) authority(now time.Time) (Pair, error) {
	maker := rotator.CertRotator{CAName: authorityName, CAOrganization: "reprise"}
	made, err := maker.CreateCACert(now.Add(-backdate(t.AuthorityLifetime)), now.Add(t.AuthorityLifetime))
	if err != nil {
		return Pair{}, fmt.Errorf("making an authority: %w", err)
	}
	return Pair{made.CertPEM, made.KeyPEM}, nil
}

// sign makes a serving certificate for the names.
func (t Terms) sign(by Pair, names []string, now time.Time) (Pair, error) {
	authority, err := tls.X509KeyPair(by.Certificate, by.Key)
	if err != nil {
		return Pair{}, fmt.Errorf("reading the authority: %w", err)
	}
	key, ok := authority.PrivateKey.(*rsa.PrivateKey)
	if !ok {
		return Pair{}, errors.New("reading the authority: its key is not of RSA, as Reprise makes them")
	}
	maker := rotator.CertRotator{
		DNSName: names[0], ExtraDNSNames: names[1:], ExtKeyUsages: &[]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	made, private, err := maker.CreateCertPEM(
		&rotator.KeyPairArtifacts{Cert: authority.Leaf, Key: key}, now.Add(-backdate(t.Lifetime)), now.Add(t.Lifetime),
	)
	if err != nil {
		return Pair{}, fmt.Errorf("making a serving certificate: %w", err)
	}
	return Pair{made, private}, nil
}
