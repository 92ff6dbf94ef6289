package effectivepod

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"reprise.dev/reprise/test/harness/cluster"
)

var judgeConfig = flag.String("judge", "", "kubeconfig of an API server to judge by, instead of starting one")

// judge is the API server that all tests of the package ask.
var judge *server

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	config, stop, err := apiServer(ctx)
	if err != nil {
		return 0, err
	}
	defer func() {
		if stopErr := stop(); err == nil {
			err = stopErr
		}
	}()
	// A test that is interrupted would leave the API server behind.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupts
		_ = stop()
		os.Exit(1)
	}()
	if judge, err = newServer(config); err != nil {
		return 0, err
	}
	if err := judge.createClasses(ctx); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// apiServer starts etcd and an API server with the admission plugins that are on
// by default, ServiceAccount among them, and no controllers: quotas hold the
// status that a test gives them.
func apiServer(ctx context.Context) (config *rest.Config, stop func() error, err error) {
	if *judgeConfig != "" {
		config, err = clientcmd.BuildConfigFromFlags("", *judgeConfig)
		return config, func() error { return nil }, err
	}
	binaries, err := cluster.Binaries(ctx, os.Stderr, cluster.Etcd, cluster.APIServer, cluster.Kubectl)
	if err != nil {
		return nil, nil, fmt.Errorf("building the API server: %w", err)
	}
	env := &envtest.Environment{}
	env.ControlPlane.Etcd = &envtest.Etcd{Path: binaries[cluster.Etcd]}
	env.ControlPlane.KubectlPath = binaries[cluster.Kubectl]
	api := env.ControlPlane.GetAPIServer()
	api.Path = binaries[cluster.APIServer]
	api.Configure().Disable("disable-admission-plugins")
	config, err = env.Start()
	if err != nil {
		return nil, nil, fmt.Errorf("starting an API server: %w", err)
	}
	return config, env.Stop, nil
}
