package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority signs the certificates of clients.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{certificate, key}
}

func (a authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

func (a authority) client(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestClientAuth(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	file := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(file, ours.pem(), 0o600); err != nil {
		t.Fatal(err)
	}
	auth := &clientAuth{file: file, names: []string{"apiserver"}}
	if err := auth.complete(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(auth.require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{ours.client(t, "server")}}
	auth.configure(server.TLS)
	server.StartTLS()
	t.Cleanup(server.Close)
	call := func(certificates ...tls.Certificate) int {
		transport := server.Client().Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.Certificates = certificates
		transport.TLSClientConfig.InsecureSkipVerify = true // Not the server is tested.
		defer transport.CloseIdleConnections()
		answer, err := (&http.Client{Transport: transport}).Get(server.URL)
		if err != nil {
			return 0
		}
		defer func() { _ = answer.Body.Close() }()
		_, _ = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode
	}
	for _, test := range []struct {
		reason string
		client []tls.Certificate
		want   int
	}{
		{"no certificate", nil, http.StatusUnauthorized},
		{"the API server", []tls.Certificate{ours.client(t, "apiserver")}, http.StatusOK},
		{"another client of the CA", []tls.Certificate{ours.client(t, "kubelet")}, http.StatusForbidden},
	} {
		if got := call(test.client...); got != test.want {
			t.Errorf("%s: HTTP %d, want %d", test.reason, got, test.want)
		}
	}
	// A client offers a certificate only to a server that names its CA; one that insists fails the
	// handshake.
	if got := call(theirs.client(t, "apiserver")); got == http.StatusOK {
		t.Error("a client of another CA is let in")
	}

	// The CA is replaced in the file, as in a mounted ConfigMap.
	if err := os.WriteFile(file, theirs.pem(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, time.Now(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := call(theirs.client(t, "apiserver")); got != http.StatusOK {
		t.Errorf("a client of the new CA: HTTP %d", got)
	}
	if got := call(ours.client(t, "apiserver")); got == http.StatusOK {
		t.Error("a client of the old CA is let in")
	}
}

func TestClientAuth_CompleteNamesWhatIsWrong(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.crt")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for reason, auth := range map[string]*clientAuth{
		"names without a CA": {names: []string{"x"}},
		"no file":            {file: "/does/not/exist"},
		"no certificate":     {file: empty},
	} {
		if err := auth.complete(); err == nil {
			t.Errorf("%s: no error", reason)
		}
	}
	if err := (&clientAuth{}).complete(); err != nil {
		t.Errorf("neither: %v", err)
	}
}
