package main

import (
	"context"
	"fmt"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// The labels and annotations by which a webhook configuration says whose it is: the chart's, and Helm's own.
const (
	nameLabel        = "app.kubernetes.io/name"
	instanceLabel    = "app.kubernetes.io/instance"
	releaseNamespace = "meta.helm.sh/release-namespace"
)

// alone fails where an older install of Reprise guards the cluster: two would put back what the other has put back.
func (p *process) alone(ctx context.Context) error {
	list, err := p.clients.AdmissionregistrationV1().ValidatingWebhookConfigurations().List(ctx, metav1.ListOptions{
		LabelSelector: labels.SelectorFromSet(labels.Set{nameLabel: "reprise"}).String(),
	})
	if err != nil {
		return fmt.Errorf("looking for another install of Reprise: %w", err)
	}
	return second(list.Items, p.options.certificates.release)
}

// second says which install is older than the one of the release; nil where there is none. One whose own webhook
// configuration does not exist yet is the younger.
func second(all []admissionregistrationv1.ValidatingWebhookConfiguration, release string) error {
	born := time.Time{}
	for _, c := range all {
		if c.Labels[instanceLabel] == release {
			born = c.CreationTimestamp.Time
		}
	}
	for _, c := range all {
		if c.Labels[instanceLabel] == release {
			continue
		}
		older := born.IsZero() || c.CreationTimestamp.Time.Before(born) || (c.CreationTimestamp.Time.Equal(born) && c.Name < release)
		if older {
			other, namespace := c.Labels[instanceLabel], c.Annotations[releaseNamespace]
			return fmt.Errorf("another Reprise guards this cluster already: release %s in namespace %q (ValidatingWebhookConfiguration %s); "+
				"two would undo each other's rollbacks: remove this one with helm uninstall %s, or that one first", other, namespace, c.Name, release)
		}
	}
	return nil
}
