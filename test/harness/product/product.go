// Package product runs Reprise itself beside a test cluster: the binary as it is built for users,
// the chart as it is installed, and no more rights than the chart's ServiceAccount has.
package product

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"reprise.dev/reprise/test/harness/cluster"
)

const (
	// Release is the name that the chart is installed under, and that of its ServiceAccount.
	Release = "reprise"
	// Namespace is where the chart is installed.
	Namespace = "reprise-system"
	// Program is the name of the product's command.
	Program = "reprise"
	// Plugin is the name of the kubectl plugin's command.
	Plugin = "kubectl-reprise"
)

// Instance is a running Reprise.
type Instance struct {
	// Webhook, Metrics and Health are the URLs that it serves on.
	Webhook, Metrics, Health string
	// Config is the path of its configuration file.
	Config string

	name    string
	cluster *cluster.Cluster
	stop    func()
}

// Install installs the chart with its webhooks pointing at port of this machine, where Start is to
// serve, and the given further values. It may be repeated to change values.
func Install(ctx context.Context, c *cluster.Cluster, port int, values map[string]any) error {
	if err := c.InstallChart(ctx, Release, Namespace, Values(c, port, values)); err != nil {
		return fmt.Errorf("installing the chart: %w", err)
	}
	return nil
}

// Values are those of the chart for webhooks at port of this machine, with the given further ones.
// Unless these name another mode, the certificate is one of the cluster's authority.
func Values(c *cluster.Cluster, port int, values map[string]any) map[string]any {
	all := map[string]any{}
	for key, value := range values {
		all[key] = value
	}
	certificates := with(values["certificates"], "caBundle", base64.StdEncoding.EncodeToString(c.CA()))
	if certificates["mode"] == nil {
		certificates["mode"] = "existing"
	}
	all["certificates"] = certificates
	all["webhook"] = with(values["webhook"], "url", url("https", port))
	return all
}

// with is a copy of the values of a section with one more.
func with(section any, key string, value any) map[string]any {
	all := map[string]any{key: value}
	given, _ := section.(map[string]any)
	for other, one := range given {
		all[other] = one
	}
	all[key] = value
	return all
}

// serveWithin bounds Serve, which may have to compile the product first.
const serveWithin = 10 * time.Minute

// Serve builds the product, installs the chart with the given values and starts it, for tests that
// share one instance. before is done between the two, nil where there is nothing to do. It ends
// with the cluster at the latest.
func Serve(c *cluster.Cluster, values map[string]any, before func(context.Context) error) (*Instance, error) {
	ctx, cancel := context.WithTimeout(context.Background(), serveWithin)
	defer cancel()
	if _, err := Build(ctx, os.Stderr, Program, ""); err != nil { // Before what waits begins.
		return nil, err
	}
	port, err := cluster.FreePort()
	if err != nil {
		return nil, err
	}
	if err := Install(ctx, c, port, values); err != nil {
		return nil, err
	}
	if before != nil {
		if err := before(ctx); err != nil {
			return nil, err
		}
	}
	return Start(ctx, c, Program, port)
}

// Start runs the product as the chart's ServiceAccount, with the configuration that Install stored,
// and returns when it is ready. name tells several apart; Logs of the cluster knows it. flags are
// added to the usual ones. It ends with the cluster at the latest.
func Start(ctx context.Context, c *cluster.Cluster, name string, port int, flags ...string) (*Instance, error) {
	cert, err := c.ServingCertificate(name)
	if err != nil {
		return nil, err
	}
	files := []string{"--tls-cert-file=" + cert.CertFile, "--tls-private-key-file=" + cert.KeyFile}
	i, err := Launch(ctx, c, name, port, append(files, flags...)...)
	if err != nil {
		return nil, err
	}
	return i, i.Await(ctx)
}

// Launch is Start without a certificate, which the flags are to name, and without waiting until it
// is ready.
func Launch(ctx context.Context, c *cluster.Cluster, name string, port int, flags ...string) (*Instance, error) {
	binary, err := Build(ctx, os.Stderr, Program, "")
	if err != nil {
		return nil, err
	}
	_, kubeconfig, err := c.ServiceAccountConfig(ctx, Namespace, Release)
	if err != nil {
		return nil, err
	}
	config, err := writeConfig(ctx, c, filepath.Dir(kubeconfig))
	if err != nil {
		return nil, err
	}
	ports, err := cluster.FreePorts(2)
	if err != nil {
		return nil, err
	}
	health, metrics := ports[0], ports[1]
	i := &Instance{
		Webhook: url("https", port), Metrics: url("http", metrics), Health: url("http", health), Config: config, name: name, cluster: c,
	}
	i.stop, err = c.RunBeside(ctx, name, binary, append([]string{
		"--kubeconfig=" + kubeconfig, "--namespace=" + Namespace, "--config=" + config, "--config-map=" + Release,
		"--webhook-bind-address=" + address(port), "--health-probe-bind-address=" + address(health),
		"--metrics-bind-address=" + address(metrics),
	}, flags...), i.alive)
	if err != nil {
		return nil, fmt.Errorf("starting reprise: %w", err)
	}
	return i, nil
}

// StartFor is Start for as long as a test lasts. Where that fails, it shows what the product said
// last.
func StartFor(t testing.TB, c *cluster.Cluster, name string, port int, flags ...string) *Instance {
	t.Helper()
	i, err := Start(t.Context(), c, name, port, flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Stop)
	i.ShowLogs(t, "")
	return i
}

// Await returns when it is ready, and stops it where that does not come about.
func (i *Instance) Await(ctx context.Context) error {
	err := i.cluster.Await(ctx, i.name, i.Ready)
	if err != nil {
		i.stop()
		return fmt.Errorf("starting reprise: %w", err)
	}
	return nil
}

// Stop ends it as a pod is ended.
func (i *Instance) Stop() { i.stop() }

// Terminate ends it as the kubelet does, with all the time that ctx leaves to answer what is under
// way.
func (i *Instance) Terminate(ctx context.Context) error { return i.cluster.Terminate(ctx, i.name) }

// Kill ends it as the loss of its node would: its Lease has to run out.
func (i *Instance) Kill() { i.cluster.Kill(i.name) }

// Logs returns what it has printed so far.
func (i *Instance) Logs() (string, error) { return i.cluster.Logs(i.name) }

// lastLines is how many lines of its log are shown where a test failed.
const lastLines = 40

// ShowLogs shows what the product said last where the test fails: of what is named by a word, where
// it said that at all.
func (i *Instance) ShowLogs(t testing.TB, word string) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		logs, err := i.Logs()
		if err != nil {
			t.Log(err)
			return
		}
		lines := strings.Split(strings.TrimSpace(logs), "\n")
		about := slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return !strings.Contains(line, word) })
		if len(about) > 0 {
			lines = about
		}
		t.Logf("%s says:\n%s", i.name, strings.Join(lines[max(0, len(lines)-lastLines):], "\n"))
	})
}

// Ready says why it is not ready; nil where it is.
func (i *Instance) Ready(ctx context.Context) error { return i.probe(ctx, "/readyz") }

func (i *Instance) alive(ctx context.Context) error { return i.probe(ctx, "/healthz") }

func (i *Instance) probe(ctx context.Context, page string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, i.Health+page, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(page + " answers " + response.Status)
	}
	return nil
}

// writeConfig writes the configuration of the installed chart to a file and returns its path.
func writeConfig(ctx context.Context, c *cluster.Cluster, dir string) (string, error) {
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return "", fmt.Errorf("creating a client: %w", err)
	}
	stored, err := client.CoreV1().ConfigMaps(Namespace).Get(ctx, Release, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("reading the chart's configuration: %w", err)
	}
	const key = "config.yaml"
	content, found := stored.Data[key]
	if !found {
		return "", fmt.Errorf("reading the chart's configuration: ConfigMap %s holds no %s", Release, key)
	}
	path := filepath.Join(dir, "reprise-"+key)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return "", fmt.Errorf("writing the configuration: %w", err)
	}
	return path, nil
}

func url(scheme string, port int) string { return scheme + "://" + address(port) }

func address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
