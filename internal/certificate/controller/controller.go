// Package controller keeps the certificate that admission is served with, and tells the API server what to trust.
package controller

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"reprise.dev/reprise/event"
	"reprise.dev/reprise/internal/certificate"
)

// Clock tells the time.
type Clock func() time.Time

const (
	// look is how often the certificate is looked at where nothing is watched that would tell of it: files change unseen,
	// and time passes.
	look = 5 * time.Second
	// patience is how long something must be amiss before it is told: while an install or a renewal goes on, it is.
	patience = 20 * time.Second
)

// Controller looks at what is served and at what the API server trusts, whenever either changes. It runs on every replica.
type Controller struct {
	// Client reads from a cache that watches what it reads.
	Client         client.Client
	Source         Source
	Serving        *certificate.Serving
	Configurations Configurations
	// Tell writes an Event; About is what it is about.
	Tell  func(context.Context, event.Event) error
	About func(context.Context) corev1.ObjectReference
	// Expiry is set to the end of what is served, in seconds since 1970.
	Expiry prometheus.Gauge
	Now    Clock
	Log    logr.Logger

	telling teller
}

// SetupWithManager registers the keeper. A Secret is watched where secrets says so.
func (k *Controller) SetupWithManager(manager ctrl.Manager, secrets bool) error {
	one := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{{}}
	})
	b := ctrl.NewControllerManagedBy(manager).Named("certificate").
		WithOptions(controller.Options{NeedLeaderElection: new(false), MaxConcurrentReconciles: 1}).
		Watches(&admissionregistrationv1.ValidatingWebhookConfiguration{}, one).
		Watches(&admissionregistrationv1.MutatingWebhookConfiguration{}, one)
	if secrets {
		b = b.Watches(&corev1.Secret{}, one)
	}
	if err := b.Complete(k); err != nil {
		return fmt.Errorf("adding the keeper of the certificate: %w", err)
	}
	return nil
}

// Reconcile implements reconcile.Reconciler.
func (k *Controller) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	all, err := k.Configurations.read(ctx, k.Client)
	if err != nil {
		return reconcile.Result{}, err
	}
	before := hooks(all) // A source may have the API server trust more; what it does is judged when it is seen.
	pair, err := k.Source.Pair(ctx, k.Serving.Served(), all)
	if apierrors.IsConflict(err) {
		return reconcile.Result{RequeueAfter: 100 * time.Millisecond}, nil // Another replica was first, and the cache will tell.
	}
	verdict, waiting := k.Serving.Propose(pair, before, k.Now())
	k.Expiry.Set(max(0, float64(verdict.Expires.Unix())))
	k.tell(ctx, findingOf(verdict, waiting, err))
	return reconcile.Result{RequeueAfter: look}, nil
}

// tell says what is amiss, and that it no longer is.
func (k *Controller) tell(ctx context.Context, f finding) {
	now := k.Now()
	told, due := k.telling.due(f, now)
	if !due {
		return
	}
	if told.reason == "" {
		k.Log.Info("The serving certificate is fit")
		return
	}
	message := told.message + "; " + k.Source.Advice(ctx)
	k.Log.Error(nil, "The serving certificate needs someone", "reason", told.reason, "message", message)
	err := k.Tell(ctx, event.Event{
		Reason: told.reason, Warning: true, Regarding: k.About(ctx), Key: told.message, Aggregate: true,
		Message: event.Message(message, nil, ""), At: now,
	})
	if err != nil {
		k.Log.Error(err, "Telling of the serving certificate")
	}
}
