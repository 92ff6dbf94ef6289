package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

// options are the flags.
type options struct {
	config         string
	configMap      string
	kubeconfig     string
	namespace      string
	webhookAddress string
	certificates   certificateOptions
	clients        *clientAuth
	shutdownDelay  time.Duration
	healthAddress  string
	metricsAddress string
	pprofAddress   string
	leaderElect    bool
	logFormat      string
	memoryLimit    int64
	version        bool
	webhookHost    string
	webhookPort    int
}

// The values of --log-format.
const (
	logJSON = "json"
	logText = "text"
)

func parse(args []string) (options, error) {
	o := options{clients: &clientAuth{}}
	flags := pflag.NewFlagSet("reprise", pflag.ContinueOnError)
	flags.SortFlags = false
	flags.StringVar(&o.config, "config", "", "path of the configuration file, reloaded when it changes; if empty, the defaults apply")
	flags.StringVar(&o.configMap, "config-map", "", "name of the ConfigMap that the file is mounted from; an Event on it reports an invalid change")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "path of a kubeconfig; if empty, the pod's ServiceAccount is used")
	flags.StringVar(&o.namespace, "namespace", "", "namespace of this install and of its Lease (required)")
	flags.StringVar(&o.webhookAddress, "webhook-bind-address", ":9443", "address that serves admission")
	o.certificates.register(flags)
	o.clients.register(flags)
	flags.StringVar(&o.healthAddress, "health-probe-bind-address", ":8081", "address that serves /healthz and /readyz")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", ":8080", "address that serves /metrics; 0 disables it")
	flags.StringVar(&o.pprofAddress, "pprof-bind-address", "", "loopback address that serves /debug/pprof, such as 127.0.0.1:6060; if empty, profiles are disabled")
	flags.BoolVar(&o.leaderElect, "leader-elect", true, "elect one replica to run the controllers")
	flags.Int64Var(&o.memoryLimit, "memory-limit", 0, "memory limit of the process in bytes; 0 means no limit")
	flags.DurationVar(&o.shutdownDelay, "shutdown-delay", 0, "time to keep serving after SIGTERM, while each response closes its connection")
	flags.StringVar(&o.logFormat, "log-format", logJSON, "format of the log: json, or text for a terminal")
	flags.BoolVar(&o.version, "version", false, "print the version and exit")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: expected flags only, see --help", flags.Arg(0))
	}
	if o.version {
		return o, nil
	}
	return o, o.complete()
}

func (o *options) complete() error {
	if o.namespace == "" {
		return errors.New("--namespace is required: expected the namespace of this install")
	}
	if err := o.certificates.complete(); err != nil {
		return err
	}
	if err := o.clients.complete(); err != nil {
		return err
	}
	if o.logFormat != logJSON && o.logFormat != logText {
		return fmt.Errorf("--log-format is %q: expected json or text", o.logFormat)
	}
	if o.memoryLimit < 0 {
		return fmt.Errorf("--memory-limit is %d: expected a number of bytes that is not negative", o.memoryLimit)
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
