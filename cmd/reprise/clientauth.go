package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spf13/pflag"
)

// clientAuth decides who may send reviews. Without a file, everyone who reaches the port may.
type clientAuth struct {
	// file has the CA of the API server's client certificate, in PEM.
	file string
	// names are the common names and DNS names of clients; if there are none, every client of the CA.
	names []string

	mu     sync.Mutex
	loaded time.Time
	pool   *x509.CertPool
}

func (a *clientAuth) register(flags *pflag.FlagSet) {
	flags.StringVar(&a.file, "client-ca-file", "",
		"path of the CA of the API server's client certificate in PEM, reloaded when it changes; if set, only its clients may send admission reviews")
	flags.StringSliceVar(&a.names, "client-names", nil, "common names or DNS names of these clients, separated by commas; if empty, every client of the CA")
}

func (a *clientAuth) complete() error {
	if a.file == "" {
		if len(a.names) > 0 {
			return fmt.Errorf("--client-names is set without --client-ca-file")
		}
		return nil
	}
	_, err := a.current()
	return err
}

// configure verifies the certificates that clients send. Whether one was sent is checked for each
// request: the readiness probe opens a connection without one.
func (a *clientAuth) configure(c *tls.Config) {
	if a.file == "" {
		return
	}
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		pool, err := a.current()
		if err != nil {
			return nil, err
		}
		verifying := c.Clone()
		verifying.GetConfigForClient = nil
		verifying.ClientCAs, verifying.ClientAuth = pool, tls.VerifyClientCertIfGiven
		return verifying, nil
	}
}

// current returns the CA as it is in the file now.
func (a *clientAuth) current() (*x509.CertPool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	info, err := os.Stat(a.file)
	if err != nil {
		return nil, fmt.Errorf("reading --client-ca-file: %w", err)
	}
	if a.pool != nil && info.ModTime().Equal(a.loaded) {
		return a.pool, nil
	}
	text, err := os.ReadFile(a.file)
	if err != nil {
		return nil, fmt.Errorf("reading --client-ca-file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("reading --client-ca-file: %s has no certificate in PEM", a.file)
	}
	a.pool, a.loaded = pool, info.ModTime()
	return pool, nil
}

// require lets only the named clients send requests. The body of another's is not read.
func (a *clientAuth) require(h http.Handler) http.Handler {
	if a.file == "" {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			http.Error(w, "reprise: a client certificate is required", http.StatusUnauthorized)
			return
		}
		client := r.TLS.PeerCertificates[0]
		if len(a.names) > 0 && !slices.ContainsFunc(append(client.DNSNames, client.Subject.CommonName), func(name string) bool {
			return slices.Contains(a.names, name)
		}) {
			http.Error(w, fmt.Sprintf("reprise: the client %q is not one of --client-names", client.Subject.CommonName), http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}
