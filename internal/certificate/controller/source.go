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

// Source is where the certificate comes from that is to be served.
type Source interface {
	// Pair is the one to serve now; empty where there is none yet. It is told what is served, and the webhook
	// configurations, which it may have trust it.
	Pair(ctx context.Context, served certificate.Pair, all []configuration) (certificate.Pair, error)
	// Advice is what to do where it does not serve, in one clause.
	Advice(ctx context.Context) string
}

// Files are a certificate that others put in place, such as a mounted Secret. They are read again and again.
type Files struct {
	Certificate, Key string
	// Remedy is the advice.
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

// SelfSigned is a certificate of Reprise's own authority, kept in a Secret that the chart has made. Every replica keeps
// it so: one that does not lead must become ready too. Of two that write, the API server lets one.
type SelfSigned struct {
	// Client reads the Secret from a cache, and writes.
	Client client.Client
	Secret types.NamespacedName
	// Names are what the certificate is for, beside the hosts of the webhook configurations.
	Names []string
	Terms certificate.Terms
	Now   Clock
	Log   logr.Logger
}

// Pair implements Source.
func (s *SelfSigned) Pair(ctx context.Context, served certificate.Pair, all []configuration) (certificate.Pair, error) {
	secret := &corev1.Secret{}
	if err := s.Client.Get(ctx, s.Secret, secret); err != nil {
		if apierrors.IsNotFound(err) {
			return served, fmt.Errorf("the Secret %s is gone: helm upgrade puts it back, empty, and Reprise fills it", s.Secret)
		}
		return served, fmt.Errorf("reading the Secret of the serving certificate: %w", err)
	}
	now, hooks := s.Now(), hooks(all)
	material, names := certificate.BundleOf(secret.Data), s.names(hooks)
	step := s.Terms.Next(material, names, hooks, now)
	if step != certificate.Keep {
		taken, err := s.Terms.Rotate(step, material, names, certificate.Signers(served, hooks), now)
		if err != nil {
			return served, err
		}
		secret.Data = taken.Data()
		if err := s.Client.Update(ctx, secret); err != nil {
			return served, fmt.Errorf("storing the serving certificate in Secret %s: %w", s.Secret, err)
		}
		s.Log.Info("Changed the certificates", "step", step.String(), "names", names)
		material = taken
	}
	if err := publish(ctx, s.Client, all, material.CABundle(now)); err != nil {
		return material.Serving, err
	}
	return material.Serving, nil
}

// names are what the certificate is to be for, each once.
func (s *SelfSigned) names(hooks []certificate.Webhook) []string {
	var names []string
	seen := map[string]bool{"": true}
	for _, name := range s.Names {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, hook := range hooks {
		if !seen[hook.Host] {
			seen[hook.Host] = true
			names = append(names, hook.Host)
		}
	}
	return names
}

// Advice implements Source.
func (s *SelfSigned) Advice(context.Context) string {
	return fmt.Sprintf("Reprise makes and renews it itself, in Secret %s; its log says what keeps it from that", s.Secret)
}
