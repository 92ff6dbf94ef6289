package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

// options are what must be known before the configuration file is read.
type options struct {
	config         string
	configMap      string
	kubeconfig     string
	namespace      string
	webhookAddress string
	certificates   certificateOptions
	shutdownDelay  time.Duration
	healthAddress  string
	metricsAddress string
	pprofAddress   string
	leaderElect    bool
	development    bool
	memoryLimit    int64
	version        bool
	webhookHost    string
	webhookPort    int
}

func parse(args []string) (options, error) {
	var o options
	flags := pflag.NewFlagSet("reprise", pflag.ContinueOnError)
	flags.SortFlags = false
	flags.StringVar(&o.config, "config", "", "path of the configuration file, followed while it runs; the defaults where it is empty")
	flags.StringVar(&o.configMap, "config-map", "", "the ConfigMap that it is mounted from: what is wrong with a change is told there, as an Event")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "path of a kubeconfig; the pod's ServiceAccount where it is empty")
	flags.StringVar(&o.namespace, "namespace", "", "the namespace of this install: its Lease lies there (required)")
	flags.StringVar(&o.webhookAddress, "webhook-bind-address", ":9443", "where admission is served")
	o.certificates.register(flags)
	flags.StringVar(&o.healthAddress, "health-probe-bind-address", ":8081", "where /healthz and /readyz are served")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", ":8080", "where /metrics is served; 0 for nowhere")
	flags.StringVar(&o.pprofAddress, "pprof-bind-address", "", "where /debug/pprof is served, on loopback, such as 127.0.0.1:6060; nowhere where it is empty")
	flags.BoolVar(&o.leaderElect, "leader-elect", true, "let one replica of several run the controllers")
	flags.Int64Var(&o.memoryLimit, "memory-limit", 0, "the bytes of memory that this process may use; 0 where nothing bounds it")
	flags.DurationVar(&o.shutdownDelay, "shutdown-delay", 0, "how long all is served on after the signal to end, while every answer closes its connection")
	flags.BoolVar(&o.development, "log-for-people", false, "write logs for a terminal instead of JSON")
	flags.BoolVar(&o.version, "version", false, "print the version and end")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: all options are flags, see --help", flags.Arg(0))
	}
	if o.version {
		return o, nil
	}
	return o, o.complete()
}

func (o *options) complete() error {
	if o.namespace == "" {
		return errors.New("--namespace is required: the namespace of this install")
	}
	if err := o.certificates.complete(); err != nil {
		return err
	}
	if o.memoryLimit < 0 {
		return fmt.Errorf("--memory-limit is %d: expected no negative number of bytes", o.memoryLimit)
	}
	if o.pprofAddress != "" {
		if err := checkLoopback(o.pprofAddress); err != nil {
			return err
		}
	}
	host, port, err := net.SplitHostPort(o.webhookAddress)
	if err != nil {
		return fmt.Errorf("--webhook-bind-address: %w", err)
	}
	if o.webhookPort, err = strconv.Atoi(port); err != nil || o.webhookPort < 1 {
		return fmt.Errorf("--webhook-bind-address: port %q is not a number of at least 1", port)
	}
	o.webhookHost = host
	return nil
}
