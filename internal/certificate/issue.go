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

// Rotate returns the bundle after a step. With Init, trusted has the CAs to keep trusting, in PEM.
func (i Issuer) Rotate(step Step, b Bundle, names []string, trusted []byte, now time.Time) (Bundle, error) {
	var err error
	switch step {
	case Init:
		b = Bundle{FormerCAs: trusted}
		if b.CA, err = i.newCA(now); err == nil {
			b.Serving, err = i.sign(b.CA, names, now)
		}
	case StageCA:
		b.NextCA, err = i.newCA(now)
	case ActivateCA:
		b.FormerCAs, b.CA, b.NextCA = b.CA.Certificate, b.NextCA, Pair{}
		b.Serving, err = i.sign(b.CA, names, now)
	case Renew:
		b.Serving, err = i.sign(b.CA, names, now)
	case RetireCA:
		b.FormerCAs = nil
	case Keep:
	}
	if err != nil {
		return Bundle{}, fmt.Errorf("rotating certificates, step %s: %w", step, err)
	}
	return b, nil
}

// caName is the subject of every CA. Their key identifiers differ.
const caName = "reprise-ca"

// newCA issues a CA. The code that generates certificates is cert-controller's; docs/adr/0003 says
// why its rotation is not.
func (i Issuer) newCA(now time.Time) (Pair, error) {
	maker := rotator.CertRotator{CAName: caName, CAOrganization: "reprise"}
	made, err := maker.CreateCACert(now.Add(-backdate(i.CALifetime)), now.Add(i.CALifetime))
	if err != nil {
		return Pair{}, fmt.Errorf("issuing a CA: %w", err)
	}
	return Pair{made.CertPEM, made.KeyPEM}, nil
}

// sign issues a serving certificate for the names.
func (i Issuer) sign(ca Pair, names []string, now time.Time) (Pair, error) {
	signer, err := tls.X509KeyPair(ca.Certificate, ca.Key)
	if err != nil {
		return Pair{}, fmt.Errorf("reading the CA: %w", err)
	}
	key, ok := signer.PrivateKey.(*rsa.PrivateKey)
	if !ok {
		return Pair{}, errors.New("reading the CA: its key is not an RSA key")
	}
	maker := rotator.CertRotator{
		DNSName: names[0], ExtraDNSNames: names[1:], ExtKeyUsages: &[]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	made, private, err := maker.CreateCertPEM(
		&rotator.KeyPairArtifacts{Cert: signer.Leaf, Key: key}, now.Add(-backdate(i.Lifetime)), now.Add(i.Lifetime),
	)
	if err != nil {
		return Pair{}, fmt.Errorf("issuing a serving certificate: %w", err)
	}
	return Pair{made, private}, nil
}
