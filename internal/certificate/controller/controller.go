// Package controller keeps the serving certificate of admission valid and publishes the CAs that
// the API server trusts.
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

// Clock returns the current time.
type Clock func() time.Time

const (
	// pollInterval is how often the certificate is verified without a watch event: files change and
	// certificates expire.
	pollInterval = 5 * time.Second
	// gracePeriod is how long a problem must last before it is reported. During an install or a
	// renewal it is normal.
	gracePeriod = 20 * time.Second
)

// EventWriter writes Events.
type EventWriter interface {
	Write(context.Context, event.Event) error
}

// Controller verifies the serving certificate whenever it or a webhook configuration changes. It
// runs on every replica.
type Controller struct {
	// Client reads from a cache.
	Client         client.Client
	Source         Source
	Serving        *certificate.Serving
	Configurations Configurations
	Events         EventWriter
	// Regarding returns the object of the Events.
	Regarding func(context.Context) corev1.ObjectReference
	// Expiry is set to the expiry of the served certificate, in seconds since 1970.
	Expiry prometheus.Gauge
	Now    Clock
	Log    logr.Logger

	reporter reporter
}

// SetupWithManager registers the controller, which watches the Secret only if secrets is set.
func (c *Controller) SetupWithManager(manager ctrl.Manager, secrets bool) error {
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
	if err := b.Complete(c); err != nil {
		return fmt.Errorf("adding the certificate controller: %w", err)
	}
	return nil
}

// Reconcile implements reconcile.Reconciler.
func (c *Controller) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	all, err := c.Configurations.read(ctx, c.Client)
	if err != nil {
		return reconcile.Result{}, err
	}
	before := webhooksOf(all) // The source may publish a CA; its effect is verified once the cache shows it.
	pair, err := c.Source.Pair(ctx, c.Serving.Served(), all)
	if apierrors.IsConflict(err) {
		return reconcile.Result{RequeueAfter: 100 * time.Millisecond}, nil // Another replica was first; the cache will show its write.
	}
	result, pending := c.Serving.Propose(pair, before, c.Now())
	c.Expiry.Set(max(0, float64(result.Expires.Unix())))
	c.report(ctx, problemOf(result, pending, err))
	return reconcile.Result{RequeueAfter: pollInterval}, nil
}

// report logs a problem and writes an Event about it. It also logs that a problem is solved.
func (c *Controller) report(ctx context.Context, p problem) {
	now := c.Now()
	if !c.reporter.due(p, now) {
		return
	}
	if p.reason == "" {
		c.Log.Info("The serving certificate is valid")
		return
	}
	message := p.message + "; " + c.Source.Advice(ctx)
	c.Log.Error(nil, "The serving certificate needs attention", "reason", p.reason, "message", message)
	err := c.Events.Write(ctx, event.Event{
		Reason: p.reason, Warning: true, Regarding: c.Regarding(ctx), Key: p.message, Aggregate: true,
		Message: event.Message(message, nil, ""), At: now,
	})
	if err != nil {
		c.Log.Error(err, "Writing the Event about the serving certificate")
	}
}
