package controller

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/internal/certificate"
)

// Configurations has the names of the webhook configurations of an install.
type Configurations struct{ Validating, Mutating string }

// ConfigurationsOf returns the names that the chart gives the webhook configurations of a release.
func ConfigurationsOf(release string) Configurations {
	return Configurations{Validating: release, Mutating: "zz-" + release + "-early"}
}

// configuration is a webhook configuration with the client configurations in it.
type configuration struct {
	object  client.Object
	clients []*admissionregistrationv1.WebhookClientConfig
}

// read returns the configurations that exist.
func (c Configurations) read(ctx context.Context, reader client.Reader) ([]configuration, error) {
	var found []configuration
	validating := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	switch err := reader.Get(ctx, client.ObjectKey{Name: c.Validating}, validating); {
	case err == nil:
		one := configuration{object: validating}
		for i := range validating.Webhooks {
			one.clients = append(one.clients, &validating.Webhooks[i].ClientConfig)
		}
		found = append(found, one)
	case !apierrors.IsNotFound(err):
		return nil, fmt.Errorf("reading ValidatingWebhookConfiguration %s: %w", c.Validating, err)
	}
	mutating := &admissionregistrationv1.MutatingWebhookConfiguration{}
	switch err := reader.Get(ctx, client.ObjectKey{Name: c.Mutating}, mutating); {
	case err == nil:
		one := configuration{object: mutating}
		for i := range mutating.Webhooks {
			one.clients = append(one.clients, &mutating.Webhooks[i].ClientConfig)
		}
		found = append(found, one)
	case !apierrors.IsNotFound(err):
		return nil, fmt.Errorf("reading MutatingWebhookConfiguration %s: %w", c.Mutating, err)
	}
	return found, nil
}

// webhooksOf returns the webhooks of the configurations.
func webhooksOf(all []configuration) []certificate.Webhook {
	var webhooks []certificate.Webhook
	for _, one := range all {
		kind := "ValidatingWebhookConfiguration "
		if _, mutating := one.object.(*admissionregistrationv1.MutatingWebhookConfiguration); mutating {
			kind = "MutatingWebhookConfiguration "
		}
		for _, c := range one.clients {
			webhooks = append(webhooks, certificate.Webhook{Configuration: kind + one.object.GetName(), Host: host(c), CABundle: c.CABundle})
		}
	}
	return webhooks
}

// host returns the hostname that the API server verifies. That of a Service is without the cluster
// domain (k8s.io/apiserver/pkg/util/webhook, ClientManager).
func host(c *admissionregistrationv1.WebhookClientConfig) string {
	if c.Service != nil {
		return ServiceHost(c.Service.Name, c.Service.Namespace)
	}
	if c.URL == nil {
		return ""
	}
	called, err := url.Parse(*c.URL)
	if err != nil {
		return ""
	}
	return strings.Trim(called.Hostname(), "[]")
}

// ServiceHost returns the hostname that the API server verifies for a webhook's Service.
func ServiceHost(name, namespace string) string { return name + "." + namespace + ".svc" }

// publish writes the caBundle into the webhook configurations that have another one.
func publish(ctx context.Context, writer client.Writer, all []configuration, bundle []byte) error {
	for _, one := range all {
		changed := false
		for _, c := range one.clients {
			changed = changed || !bytes.Equal(c.CABundle, bundle)
			c.CABundle = bundle
		}
		if !changed {
			continue
		}
		// The resourceVersion makes one of two concurrent updates fail.
		if err := writer.Update(ctx, one.object); err != nil {
			return fmt.Errorf("writing the caBundle of webhook configuration %s: %w", one.object.GetName(), err)
		}
	}
	return nil
}
