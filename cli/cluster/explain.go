package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"reprise.dev/reprise/api/v1alpha1"
)

// Explain returns an error of the cluster with what the caller can do about it, on one line. The
// namespace is where the caller looked, empty for all.
func Explain(err error, namespace string) error {
	var status apierrors.APIStatus
	var unreachable *url.Error
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case meta.IsNoMatchError(err):
		return errors.New("the cluster serves no WorkloadRevisions: Reprise is not installed in it; install the chart charts/reprise")
	case apierrors.IsForbidden(err) && errors.As(err, &status) && status.Status().Details != nil && status.Status().Details.Group == v1alpha1.GroupVersion.Group:
		return fmt.Errorf("you may not read revisions%s: ask for the ClusterRole view there, or for reprise-view, which holds only this right (%w)", in(namespace), err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("you may not read workloads%s: ask for the ClusterRole view there (%w)", in(namespace), err)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("the cluster rejects your credentials: log in again (%w)", err)
	case errors.As(err, &unreachable):
		return fmt.Errorf("cannot reach the cluster %s: %w; check --context", hostOf(unreachable.URL), unreachable.Err)
	case errors.As(err, &network):
		return fmt.Errorf("cannot reach the cluster: %w; check --context", err)
	default:
		return err
	}
}

// explainWrite returns an error of a write as Explain does. That the API server or admission
// rejects the write says enough by itself.
func explainWrite(err error, namespace string) error {
	if apierrors.IsForbidden(err) {
		return err
	}
	return Explain(err, namespace)
}

// Temporary reports whether an error comes from a cluster that may answer in a moment.
func Temporary(err error) bool {
	return utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsProbableEOF(err) || utilnet.IsTimeout(err) ||
		apierrors.IsServerTimeout(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err)
}

// Permanent reports whether an error of a watch does not pass by itself.
func Permanent(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsNotFound(err) || meta.IsNoMatchError(err)
}

func in(namespace string) string {
	if namespace == "" {
		return " in all namespaces"
	}
	return " in namespace " + namespace
}

// hostOf returns the scheme and host of a URL.
func hostOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return address
	}
	return parsed.Scheme + "://" + parsed.Host
}
