package cluster

import (
	"context"
	"fmt"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// RESTConfig returns a client configuration for the administrator, without a client-side rate
// limit.
func (c *Cluster) RESTConfig() *rest.Config {
	return c.restConfig(rest.TLSClientConfig{CertFile: c.admin.CertFile, KeyFile: c.admin.KeyFile}, "")
}

// Kubeconfig returns the path of the administrator's kubeconfig, which is gone after Stop.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.dir, "admin.kubeconfig") }

// ServiceAccountConfig returns a client configuration that acts as the ServiceAccount, which must
// exist, and the path of a kubeconfig with the same rights. The token is good for a day.
func (c *Cluster) ServiceAccountConfig(ctx context.Context, namespace, name string) (*rest.Config, string, error) {
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return nil, "", fmt.Errorf("creating a client: %w", err)
	}
	seconds := int64(24 * 60 * 60)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	answer, err := client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return nil, "", fmt.Errorf("requesting a token for ServiceAccount %s/%s: %w", namespace, name, err)
	}
	token := answer.Status.Token
	file := filepath.Join(c.dir, fmt.Sprintf("%s.%s.kubeconfig", namespace, name))
	if err := c.writeKubeconfig(file, &clientcmdapi.AuthInfo{Token: token}); err != nil {
		return nil, "", err
	}
	return c.restConfig(rest.TLSClientConfig{}, token), file, nil
}

func (c *Cluster) restConfig(tls rest.TLSClientConfig, token string) *rest.Config {
	tls.CAFile = c.authority.file()
	return &rest.Config{Host: c.url(), TLSClientConfig: tls, BearerToken: token, QPS: -1}
}

// UserKubeconfig writes a kubeconfig for a user, such as a component of the control plane, and
// returns its path. name is that of the files.
func (c *Cluster) UserKubeconfig(name, user string, groups ...string) (string, error) {
	cert, err := c.authority.issue(name, user, groups, nil)
	if err != nil {
		return "", err
	}
	file := filepath.Join(c.dir, name+".kubeconfig")
	return file, c.writeKubeconfig(file, &clientcmdapi.AuthInfo{ClientCertificate: cert.CertFile, ClientKey: cert.KeyFile})
}

func (c *Cluster) writeKubeconfig(file string, user *clientcmdapi.AuthInfo) error {
	const name = "reprise-test"
	config := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: c.url(), CertificateAuthority: c.authority.file()}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: user},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	}
	if err := clientcmd.WriteToFile(config, file); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}
