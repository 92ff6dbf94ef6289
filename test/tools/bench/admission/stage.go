package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// The namespaces: one in which no hook is called, one for the hook that does nothing, one for
// Reprise.
const (
	bareNamespace    = "bare"
	nothingNamespace = "nothing"
	judgedNamespace  = "judged"
)

// hook is what is measured.
type hook struct {
	name, namespace string
	// cpu is what its process has used so far.
	cpu func() (time.Duration, error)
}

// stage is an API server by itself with the hooks.
type stage struct {
	cluster  *cluster.Cluster
	client   kubernetes.Interface
	port     int
	progress io.Writer
}

// open makes the namespaces and serves the hook that does nothing.
func open(ctx context.Context, c *cluster.Cluster, progress io.Writer) (*stage, error) {
	config := rest.CopyConfig(c.RESTConfig())
	config.QPS = -1
	config.WarningHandler = rest.NoWarnings{}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{bareNamespace, nothingNamespace, judgedNamespace} {
		if _, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
			return nil, err
		}
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}} // Without controllers nobody makes it.
		if _, err := client.CoreV1().ServiceAccounts(name).Create(ctx, account, metav1.CreateOptions{}); err != nil {
			return nil, err
		}
	}
	port, err := cluster.FreePort()
	if err != nil {
		return nil, err
	}
	return &stage{cluster: c, client: client, port: port, progress: progress}, nil
}

// nothing runs and registers the hook that does nothing.
func (st *stage) nothing(ctx context.Context) (hook, error) {
	port, err := cluster.FreePort()
	if err != nil {
		return hook{}, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	cert, err := st.cluster.ServingCertificate("nothing")
	if err != nil {
		return hook{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return hook{}, err
	}
	_, err = st.cluster.RunBeside(ctx, "nothing", self, []string{
		"--serve-nothing=" + address, "--tls-cert-file=" + cert.CertFile, "--tls-private-key-file=" + cert.KeyFile,
	}, func(ctx context.Context) error {
		var dialer net.Dialer
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	})
	if err != nil {
		return hook{}, fmt.Errorf("serving the hook that does nothing: %w", err)
	}
	none, fail, url := admissionregistrationv1.SideEffectClassNone, admissionregistrationv1.Fail, "https://"+address+nothingPath
	_, err = st.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(ctx, &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "nothing"},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "nothing.bench.reprise.dev", SideEffects: &none, FailurePolicy: &fail, AdmissionReviewVersions: []string{"v1"},
			ClientConfig:      admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: st.cluster.CA()},
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: nothingNamespace}},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{"CREATE", "UPDATE"},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{"apps"}, APIVersions: []string{"v1"}, Resources: []string{"deployments"}},
			}},
		}},
	}, metav1.CreateOptions{})
	return hook{name: nothingName, namespace: nothingNamespace, cpu: func() (time.Duration, error) {
		return cpuOf("--serve-nothing=" + address)
	}}, err
}

// memoryLimit is the chart's, as its Deployment passes it on.
const memoryLimit = "--memory-limit=536870912"

// reprise runs Reprise.
func (st *stage) reprise(ctx context.Context, name string) (h hook, stop func(), err error) {
	instance, err := product.Start(ctx, st.cluster, product.Program, st.port, memoryLimit)
	if err != nil {
		return hook{}, nil, err
	}
	argument := "--webhook-bind-address=" + net.JoinHostPort("127.0.0.1", strconv.Itoa(st.port))
	return hook{name: name, namespace: judgedNamespace, cpu: func() (time.Duration, error) { return cpuOf(argument) }}, instance.Stop, nil
}
