package main

import (
	"context"
	"fmt"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// The labels and the annotation that the chart and Helm set on a webhook configuration.
const (
	nameLabel        = "app.kubernetes.io/name"
	instanceLabel    = "app.kubernetes.io/instance"
	releaseNamespace = "meta.helm.sh/release-namespace"
)

// checkSingleInstall returns an error if the cluster has an older install of Reprise, because two
// installs would undo each other's rollbacks.
func (p *process) checkSingleInstall(ctx context.Context) error {
	list, err := p.clients.AdmissionregistrationV1().ValidatingWebhookConfigurations().List(ctx, metav1.ListOptions{
		LabelSelector: labels.SelectorFromSet(labels.Set{nameLabel: "reprise"}).String(),
	})
	if err != nil {
		return fmt.Errorf("looking for another install of Reprise: %w", err)
	}
	release := p.options.certificates.release
	if other := olderInstall(list.Items, release); other != nil {
		return fmt.Errorf("another Reprise guards this cluster already: release %s in namespace %q (ValidatingWebhookConfiguration %s), "+
			"and two would undo each other's rollbacks; uninstall that release, or this one with helm uninstall %s",
			other.Labels[instanceLabel], other.Annotations[releaseNamespace], other.Name, release)
	}
	return nil
}

// olderInstall returns the webhook configuration of an install that is older than the one of the
// release; nil if there is none. An install without a webhook configuration is the youngest. The
// name decides between two of the same second.
func olderInstall(all []admissionregistrationv1.ValidatingWebhookConfiguration, release string) *admissionregistrationv1.ValidatingWebhookConfiguration {
	var created time.Time
	for i := range all {
		if all[i].Labels[instanceLabel] == release {
			created = all[i].CreationTimestamp.Time
		}
	}
	for i := range all {
		c := &all[i]
		if c.Labels[instanceLabel] == release {
			continue
		}
		other := c.CreationTimestamp.Time
		if created.IsZero() || other.Before(created) || other.Equal(created) && c.Name < release {
			return c
		}
	}
	return nil
}
