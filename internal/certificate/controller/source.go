package controller

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/internal/certificate"
)

// Source provides the serving certificate.
type Source interface {
	// Pair returns the certificate to serve; empty if there is none yet. A source may change the
	// webhook configurations so that the API server trusts it.
	Pair(ctx context.Context, served certificate.Pair, all []configuration) (certificate.Pair, error)
	// Advice returns a clause that says what to do if the API server does not trust the certificate.
	Advice(ctx context.Context) string
}

// Files reads a certificate from files, such as a mounted Secret.
type Files struct {
	Certificate, Key string
	// Remedy is what Advice returns.
	Remedy string
}

// Pair implements Source.
func (f Files) Pair(context.Context, certificate.Pair, []configuration) (certificate.Pair, error) {
	served, err := os.ReadFile(f.Certificate)
	if errors.Is(err, fs.ErrNotExist) {
		return certificate.Pair{}, nil
	}
	if err != nil {
		return certificate.Pair{}, fmt.Errorf("reading the serving certificate: %w", err)
	}
	key, err := os.ReadFile(f.Key)
	if err != nil {
		return certificate.Pair{}, fmt.Errorf("reading the key of the serving certificate: %w", err)
	}
	return certificate.Pair{Certificate: served, Key: key}, nil
}

// Advice implements Source.
func (f Files) Advice(context.Context) string { return f.Remedy }

// SelfSigned issues and renews a certificate in a Secret that the chart creates. Every replica does
// so, since one that is not the leader must become ready too. If two write at the same time, the
// API server rejects one.
type SelfSigned struct {
	// Client reads the Secret from a cache, and writes.
	Client client.Client
	Secret types.NamespacedName
	// Names are the hostnames of the certificate, in addition to those in the webhook configurations.
	Names  []string
	Issuer certificate.Issuer
	Now    Clock
	Log    logr.Logger
}

// Pair implements Source.
func (s *SelfSigned) Pair(ctx context.Context, served certificate.Pair, all []configuration) (certificate.Pair, error) {
	secret := &corev1.Secret{}
	if err := s.Client.Get(ctx, s.Secret, secret); err != nil {
		if apierrors.IsNotFound(err) {
			return served, fmt.Errorf("the Secret %s does not exist: helm upgrade restores it, and Reprise issues a certificate", s.Secret)
		}
		return served, fmt.Errorf("reading the Secret of the serving certificate: %w", err)
	}
	now, webhooks := s.Now(), webhooksOf(all)
	bundle, names := certificate.FromSecret(secret.Data), s.names(webhooks)
	step := s.Issuer.Next(bundle, names, webhooks, now)
	if step != certificate.Keep {
		next, err := s.Issuer.Rotate(step, bundle, names, certificate.Signers(served, webhooks), now)
		if err != nil {
			return served, err
		}
		secret.Data = next.Data()
		if err := s.Client.Update(ctx, secret); err != nil {
			return served, fmt.Errorf("storing the serving certificate in Secret %s: %w", s.Secret, err)
		}
		s.Log.Info("Rotated the certificates", "step", step.String(), "names", names)
		bundle = next
	}
	if err := publish(ctx, s.Client, all, bundle.CABundle(now)); err != nil {
		return bundle.Serving, err
	}
	return bundle.Serving, nil
}

// names returns the hostnames of the certificate, each once.
func (s *SelfSigned) names(webhooks []certificate.Webhook) []string {
	var names []string
	seen := map[string]bool{"": true}
	for _, name := range s.Names {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, webhook := range webhooks {
		if !seen[webhook.Host] {
			seen[webhook.Host] = true
			names = append(names, webhook.Host)
		}
	}
	return names
}

// Advice implements Source.
func (s *SelfSigned) Advice(context.Context) string {
	return fmt.Sprintf("Reprise issues and renews it in Secret %s; see its log for errors", s.Secret)
}
