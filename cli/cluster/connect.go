// Package cluster reads and writes what the plugin shows and asks for, with the caller's own
// rights.
//
// It knows nothing of terminals and command lines: its callers are commands and pages.
package cluster

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
)

// Connection is the caller's own to one API server.
type Connection struct {
	// API reads and writes with the caller's rights.
	API client.WithWatch
	// Config is what other clients of the same API server are made of.
	Config *rest.Config
	// Namespace is the one that the caller named or, where they named none, the kubeconfig's.
	Namespace string
	// Context is the context of the kubeconfig that the caller named, empty for the current one.
	Context string
	// Install is the namespace in which Reprise is installed.
	Install string
}

// Connect makes the clients of a kubeconfig. It reads nothing from the cluster but which kinds it
// serves. install is the namespace in which Reprise is installed.
func Connect(kubeconfig clientcmd.ClientConfig, kubeContext, install string) (*Connection, error) {
	config, err := kubeconfig.ClientConfig()
	if err != nil {
		return nil, err
	}
	namespace, _, err := kubeconfig.Namespace()
	if err != nil {
		return nil, fmt.Errorf("finding the namespace: %w", err)
	}
	config.QPS, config.Burst = -1, 0          // The API server's own fairness is the limit.
	config.WarningHandler = rest.NoWarnings{} // A dry run repeats the warnings of the apply.
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("registering types: %w", err)
	}
	api, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, Explain(err, namespace)
	}
	return &Connection{API: api, Config: config, Namespace: namespace, Context: kubeContext, Install: install}, nil
}
