package certificate

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
)

// Source is where the certificate comes from that is to be served.
type Source interface {
	// Pair is the one to serve now; empty where there is none yet. It is told what is served, and the webhook
	// configurations, which it may have trust it.
	Pair(ctx context.Context, served Pair, all []configuration) (Pair, error)
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
func (f Files) Pair(context.Context, Pair, []configuration) (Pair, error) {
	certificate, err := os.ReadFile(f.Certificate)
	if errors.Is(err, fs.ErrNotExist) {
		return Pair{}, nil
	}
	if err != nil {
		return Pair{}, fmt.Errorf("reading the serving certificate: %w", err)
	}
	key, err := os.ReadFile(f.Key)
	if err != nil {
		return Pair{}, fmt.Errorf("reading the key of the serving certificate: %w", err)
	}
	return Pair{certificate, key}, nil
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
	Terms Terms
	Now   Clock
	Log   logr.Logger
}

// Pair implements Source.
func (s *SelfSigned) Pair(ctx context.Context, served Pair, all []configuration) (Pair, error) {
	secret := &corev1.Secret{}
	if err := s.Client.Get(ctx, s.Secret, secret); err != nil {
		if apierrors.IsNotFound(err) {
			return served, fmt.Errorf("the Secret %s is gone: helm upgrade puts it back, empty, and Reprise fills it", s.Secret)
		}
		return served, fmt.Errorf("reading the Secret of the serving certificate: %w", err)
	}
	now, hooks := s.Now(), hooks(all)
	material, names := MaterialOf(secret.Data), s.names(hooks)
	step := s.Terms.Next(material, names, hooks, now)
	if step != Keep {
		taken, err := s.Terms.Take(step, material, names, signers(served, hooks), now)
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
	if err := publish(ctx, s.Client, all, material.Bundle(now)); err != nil {
		return material.Serving, err
	}
	return material.Serving, nil
}

// names are what the certificate is to be for, each once.
func (s *SelfSigned) names(hooks []Hook) []string {
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
