package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/story"
	"reprise.dev/reprise/workload"
)

// connection is the caller's own to the cluster, with the caller's rights.
type connection struct {
	api client.WithWatch
	// context is that of the kubeconfig which the caller named, empty for the current one.
	context string
	// reader is where many workloads are read: the API server, or what watches keep up to date.
	reader client.Reader
	// noEvents says that events are not watched, since the caller may not.
	noEvents  bool
	rest      *rest.Config
	namespace string
	// annotations are those of namespaces that were read.
	annotations map[string]map[string]string
}

// connect reads the kubeconfig and makes a client; nothing is asked of the cluster yet.
func (p *plugin) connect() (*connection, error) {
	config, err := p.config.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	namespace, _, err := p.config.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, fmt.Errorf("finding the namespace: %w", err)
	}
	config.QPS, config.Burst = -1, 0          // The API server's own fairness is the limit.
	config.WarningHandler = rest.NoWarnings{} // A dry run repeats what the apply was told.
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("registering types: %w", err)
	}
	api, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, explain(err, namespace)
	}
	return &connection{api: api, context: *p.config.Context, reader: api, rest: config, namespace: namespace, annotations: map[string]map[string]string{}}, nil
}

// load reads all that is known of a workload: what runs before its history, so that no deploy in between looks recorded.
func (c *connection) load(ctx context.Context, namespace, name string) (story.Workload, error) {
	w := story.Workload{Namespace: namespace, Name: name, Context: c.context, Deployment: &appsv1.Deployment{}}
	err := c.api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, w.Deployment)
	if apierrors.IsNotFound(err) {
		w.Deployment, err = nil, nil
	}
	if err != nil {
		return w, explain(err, namespace)
	}
	if w.History, err = store.List(ctx, c.api, namespace, name); err != nil {
		return w, explain(err, namespace)
	}
	w.Settings, err = c.settings(ctx, w.Deployment, namespace)
	return w, err
}

// settings are those that the workload and its namespace set; who may not read the namespace does without.
func (c *connection) settings(ctx context.Context, d *appsv1.Deployment, namespace string) (workload.Settings, error) {
	if d == nil {
		return workload.DefaultSettings(), nil
	}
	if _, read := c.annotations[namespace]; !read {
		annotations, err := store.NamespaceAnnotations(ctx, c.api, namespace)
		if err != nil && !apierrors.IsForbidden(err) {
			return workload.Settings{}, explain(err, namespace)
		}
		c.annotations[namespace] = annotations
	}
	settings, _ := workload.SettingsOf(d, c.annotations[namespace], workload.DefaultSettings())
	return settings, nil
}

// explain says of an error of the cluster what to do about it, in one line.
func explain(err error, namespace string) error {
	var status apierrors.APIStatus
	var unreachable *url.Error
	var network net.Error
	switch {
	case meta.IsNoMatchError(err):
		return errors.New("the cluster serves no Revisions: Reprise is not installed in it; install the chart charts/reprise")
	case apierrors.IsForbidden(err) && errors.As(err, &status) && status.Status().Details != nil && status.Status().Details.Group == v1alpha1.GroupVersion.Group:
		return fmt.Errorf("you may not read revisions%s: ask for the ClusterRole view there, or for reprise-view, which holds only this right (%w)", in(namespace), err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("you may not read what runs%s: ask for the ClusterRole view there (%w)", in(namespace), err)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("the cluster does not know you: log in anew (%w)", err)
	case errors.As(err, &unreachable):
		return fmt.Errorf("the cluster %s cannot be reached: %w; is it the right --context?", hostOf(unreachable.URL), unreachable.Err)
	case errors.As(err, &network):
		return fmt.Errorf("the cluster cannot be reached: %w; is it the right --context?", err)
	default:
		return err
	}
}

// explainWrite is explain for what was to be written: who may not, or is refused by admission, is told that as it is.
func explainWrite(err error, namespace string) error {
	if apierrors.IsForbidden(err) {
		return err
	}
	return explain(err, namespace)
}

func in(namespace string) string {
	if namespace == "" {
		return " in all namespaces"
	}
	return " in namespace " + namespace
}

func hostOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return address
	}
	return parsed.Scheme + "://" + parsed.Host
}
