package effective

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// defaultServiceAccount is what a pod runs as that names none, and
// enforceMountableSecrets the annotation that limits a ServiceAccount's secrets
// (plugin/pkg/admission/serviceaccount/admission.go).
const (
	defaultServiceAccount   = "default"
	enforceMountableSecrets = "kubernetes.io/enforce-mountable-secrets"
)

// applyServiceAccount names the pod's ServiceAccount and takes over its pull
// secrets. The token volume that the API server adds has a random name and is
// left out (plugin/pkg/admission/serviceaccount/admission.go, Admit).
func (d *podBuilder) applyServiceAccount() {
	spec := &d.pod.Spec
	if spec.ServiceAccountName == "" {
		spec.ServiceAccountName = spec.DeprecatedServiceAccount
	}
	if spec.ServiceAccountName == "" {
		spec.ServiceAccountName = defaultServiceAccount
	}
	spec.DeprecatedServiceAccount = spec.ServiceAccountName
	if d.markUnknown(KindServiceAccount) {
		return
	}
	account := d.serviceAccount(spec.ServiceAccountName)
	if account == nil {
		d.report(Violation{
			Rule:      RuleServiceAccount,
			Field:     "spec.serviceAccountName",
			Requested: spec.ServiceAccountName,
			Cause:     Cause{Kind: KindServiceAccount, Name: spec.ServiceAccountName},
			Message:   fmt.Sprintf("ServiceAccount %s does not exist in namespace %s", spec.ServiceAccountName, d.ns.Name),
			Fix:       "create the ServiceAccount before the Deployment, or name one that exists in serviceAccountName",
			Exact:     true,
			// The default ServiceAccount of a new namespace is made by a controller, and others may be
			// applied after their users.
			Transient: true,
		})
		return
	}
	if limited, err := strconv.ParseBool(account.Annotations[enforceMountableSecrets]); err == nil && limited {
		d.unknown = append(d.unknown, Unknown{
			Kind:   KindServiceAccount,
			Reason: fmt.Sprintf("ServiceAccount %s limits which Secrets its pods may mount, which is not checked", account.Name),
		})
	}
	if len(spec.ImagePullSecrets) == 0 {
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, account.ImagePullSecrets...)
	}
}

func (d *podBuilder) serviceAccount(name string) *corev1.ServiceAccount {
	for _, account := range d.ns.ServiceAccounts {
		if account.Name == name {
			return account
		}
	}
	return nil
}
