package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"syscall"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

func (c *Cluster) writeCredentials() (err error) {
	if c.authority, err = newAuthority(c.dir); err != nil {
		return err
	}
	hosts := append([]string{"127.0.0.1", "localhost", "kubernetes.default.svc"}, c.options.Hosts...)
	if _, err := c.authority.issue("apiserver", "kube-apiserver", nil, hosts); err != nil {
		return err
	}
	if c.admin, err = c.authority.issue("admin", "admin", []string{"system:masters"}, nil); err != nil {
		return err
	}
	tokens, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("generating a key: %w", err)
	}
	if err := writeKey(c.file("tokens.key"), tokens); err != nil {
		return err
	}
	if c.options.AuditPolicy != "" {
		if err := os.WriteFile(c.file("audit-policy.yaml"), []byte(c.options.AuditPolicy), 0o644); err != nil {
			return err
		}
	}
	user := &clientcmdapi.AuthInfo{ClientCertificate: c.admin.CertFile, ClientKey: c.admin.KeyFile}
	return c.writeKubeconfig(c.Kubeconfig(), user)
}

func (c *Cluster) startEtcd(ctx context.Context) error {
	url := "http://" + loopback(c.etcdPort)
	args := []string{
		"--data-dir=" + c.file("etcd"), "--listen-client-urls=" + url, "--advertise-client-urls=" + url,
		"--listen-peer-urls=http://127.0.0.1:0", "--unsafe-no-fsync",
	}
	return c.run(ctx, Etcd, args, c.etcdPort, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/health", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		return nil
	})
}

func (c *Cluster) startAPIServer(ctx context.Context) error {
	return c.run(ctx, APIServer, c.apiServerFlags(), c.apiPort, c.apiServerReady)
}

func (c *Cluster) apiServerFlags() []string {
	flags := []string{
		"--etcd-servers=http://" + loopback(c.etcdPort),
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + strconv.Itoa(c.apiPort),
		// The endpoints of the kubernetes Service may not be loopback addresses; nothing here needs them.
		"--endpoint-reconciler-type=none",
		"--cert-dir=" + c.dir, "--client-ca-file=" + c.authority.file(),
		"--tls-cert-file=" + c.file("apiserver.crt"), "--tls-private-key-file=" + c.file("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.file("tokens.key"),
		"--service-account-signing-key-file=" + c.file("tokens.key"),
		"--service-cluster-ip-range=10.96.0.0/16",
		"--authorization-mode=RBAC", "--allow-privileged",
		"--kubelet-preferred-address-types=InternalIP",
		"--kubelet-client-certificate=" + c.admin.CertFile, "--kubelet-client-key=" + c.admin.KeyFile,
	}
	if c.options.ControlPlaneOnly {
		flags = append(flags, "--disable-admission-plugins=ServiceAccount")
	}
	if c.options.AuditPolicy != "" {
		flags = append(flags, "--audit-policy-file="+c.file("audit-policy.yaml"), "--audit-log-path="+c.AuditLog())
	}
	return append(flags, c.options.APIServerFlags...)
}

func (c *Cluster) apiServerReady(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return err
	}
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// RestartAPIServer kills the API server and starts it again on the same port with the same data.
func (c *Cluster) RestartAPIServer(ctx context.Context) error {
	p := c.running(APIServer)
	p.signal(syscall.SIGKILL)
	<-p.done
	c.forget(p)
	if err := c.startAPIServer(ctx); err != nil {
		return fmt.Errorf("restarting the API server: %w", err)
	}
	return nil
}

// startControllers starts the controllers and the scheduler. Their client limits are raised: with
// the defaults a thousand Deployments take four minutes instead of one.
func (c *Cluster) startControllers(ctx context.Context) error {
	manager, err := c.UserKubeconfig("controller-manager", "system:kube-controller-manager")
	if err != nil {
		return err
	}
	scheduler, err := c.UserKubeconfig("scheduler", "system:kube-scheduler")
	if err != nil {
		return err
	}
	client := []string{"--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=1000", "--secure-port=0"}
	err = c.run(ctx, ControllerManager, append(client,
		"--kubeconfig="+manager, "--use-service-account-credentials",
		"--service-account-private-key-file="+c.file("tokens.key"), "--root-ca-file="+c.authority.file(),
		"--concurrent-deployment-syncs=20", "--concurrent-replicaset-syncs=20"), 0, nil)
	if err != nil {
		return err
	}
	return c.run(ctx, Scheduler, append(client, "--kubeconfig="+scheduler), 0, nil)
}

// waitForServiceAccounts returns when the controller manager works: pods need the default
// ServiceAccount.
func (c *Cluster) waitForServiceAccounts(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	return c.waitFor(ctx, c.running(ControllerManager), func(ctx context.Context) error {
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}
