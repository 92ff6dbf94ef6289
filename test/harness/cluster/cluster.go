package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Options say what Start starts. The zero value is the whole control plane with one node.
type Options struct {
	// ControlPlaneOnly leaves it at etcd and the API server: nothing is scheduled, nothing runs. Pods
	// are then accepted without a ServiceAccount, since nothing creates one.
	ControlPlaneOnly bool
	// Nodes is how many nodes there are; 0 means one.
	Nodes int
	// OwnNodes leaves out KWOK and its nodes: the caller brings nodes of its own.
	OwnNodes bool
	// Hosts are further names and addresses that the API server is reached by.
	Hosts []string
	// AuditPolicy, when not empty, is an audit policy (audit.k8s.io/v1, YAML) whose log AuditLog
	// names.
	AuditPolicy string
	// APIServerFlags are added to those of the API server and win over them.
	APIServerFlags []string
	// Progress is told what is built, if something is; nil means standard error.
	Progress io.Writer
}

// Cluster is a running control plane. Its methods may be used from several goroutines, except that
// Stop and RestartAPIServer are the caller's to order.
type Cluster struct {
	options   Options
	binaries  map[string]string
	dir       string // everything that it writes; removed by Stop
	authority *authority
	admin     Certificate
	etcdPort  int
	apiPort   int
	kubelet   *http.Server // serves container logs; nil where KWOK plays no node
	logs      *logServer   // answers there

	mu        sync.Mutex
	processes []*process // in the order of their start
}

// attempts is how often Start tries again when a port that was free was taken before its server
// used it.
const attempts = 3

// Start builds what is missing, starts a control plane and returns when it is ready to use: the API
// server answers, and, unless ControlPlaneOnly, ServiceAccounts are made and the nodes are ready.
// The error of a component that failed ends with the last lines of its log; nothing is left
// running. ctx bounds the start, not the life of the cluster.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	if options.Progress == nil {
		options.Progress = os.Stderr
	}
	// The library that applies objects complains in the middle of the output when nobody wants its
	// log.
	log.SetLogger(logr.Discard())
	names := []string{Etcd, APIServer, Kubectl}
	if !options.ControlPlaneOnly {
		names = append(names, ControllerManager, Scheduler)
		if !options.OwnNodes {
			names = append(names, KWOK)
		}
	}
	binaries, err := Binaries(ctx, options.Progress, names...)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		c := &Cluster{options: options, binaries: binaries}
		err := c.start(ctx)
		if err == nil {
			return c, nil
		}
		err = errors.Join(err, c.Stop())
		if !errors.Is(err, errPortTaken) || attempt == attempts {
			return nil, fmt.Errorf("starting a cluster: %w", err)
		}
	}
}

func (c *Cluster) start(ctx context.Context) (err error) {
	if c.dir, err = os.MkdirTemp("", "reprise-cluster-"); err != nil {
		return err
	}
	ports, err := FreePorts(2)
	if err != nil {
		return err
	}
	c.etcdPort, c.apiPort = ports[0], ports[1]
	if err := c.writeCredentials(); err != nil {
		return err
	}
	if err := c.startEtcd(ctx); err != nil {
		return err
	}
	if err := c.startAPIServer(ctx); err != nil {
		return err
	}
	if c.options.ControlPlaneOnly {
		return nil
	}
	if err := c.startControllers(ctx); err != nil {
		return err
	}
	if !c.options.OwnNodes {
		if err := c.startNodes(ctx); err != nil {
			return err
		}
	}
	return c.waitForServiceAccounts(ctx)
}

// Stop ends every process of the cluster and removes its files. It may be called again.
func (c *Cluster) Stop() error {
	if c.kubelet != nil {
		_ = c.kubelet.Close()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	stopProcesses(c.processes)
	c.processes = nil
	if c.dir == "" {
		return nil
	}
	if err := os.RemoveAll(c.dir); err != nil {
		return fmt.Errorf("removing the cluster's files: %w", err)
	}
	return nil
}

// Logs returns what the named component (see Etcd and the names beside it) has printed so far.
func (c *Cluster) Logs(component string) (string, error) {
	data, err := os.ReadFile(c.logFile(component))
	if err != nil {
		return "", fmt.Errorf("reading the log of %s: %w", component, err)
	}
	return string(data), nil
}

// AuditLog returns the path of the audit log, one JSON event a line. See Options.AuditPolicy.
func (c *Cluster) AuditLog() string { return c.file("audit.log") }

// ServingCertificate writes a certificate by which a webhook or another server on this machine
// proves to the API server that it is one of the hosts (127.0.0.1 when none is given).
func (c *Cluster) ServingCertificate(name string, hosts ...string) (Certificate, error) {
	if len(hosts) == 0 {
		hosts = []string{"127.0.0.1", "localhost"}
	}
	return c.authority.issue(name, name, nil, hosts)
}

// CA returns the PEM of the authority that signs every certificate of the cluster, a webhook's
// caBundle.
func (c *Cluster) CA() []byte { return c.authority.pem }

func (c *Cluster) url() string { return "https://" + loopback(c.apiPort) }

func (c *Cluster) logFile(component string) string { return c.file(component + ".log") }

// file returns the path of a file of the cluster.
func (c *Cluster) file(name string) string { return filepath.Join(c.dir, name) }

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// FreePort returns a port of loopback that is free now. The caller copes with its being taken
// meanwhile.
func FreePort() (int, error) {
	ports, err := FreePorts(1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}

// FreePorts returns n ports as FreePort does, each another one: two calls of FreePort may return
// the same.
func FreePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		listener, err := net.Listen("tcp", loopback(0))
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		defer listener.Close()
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}
