package monitoring

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"reprise.dev/reprise/test/harness/cluster"
)

// Prometheus is a running server.
type Prometheus struct{ prometheus.API }

// Scrape says what Start scrapes.
type Scrape struct {
	// Replicas are the addresses of Reprise's metrics, host and port.
	Replicas []string
	// Rules are groups of alerts.
	Rules []byte
	// Dir is an empty folder to write to.
	Dir string
}

// Start starts Debian's Prometheus beside a cluster, which scrapes the replicas and the cluster's
// API server every second. It ends with the cluster at the latest.
func Start(ctx context.Context, c *cluster.Cluster, s Scrape) (*Prometheus, error) {
	binary, err := Find(Server)
	if err != nil {
		return nil, err
	}
	port, err := cluster.FreePort()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(s.Dir, "prometheus.yaml")
	if err := os.WriteFile(config, []byte(s.config(c)), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "rules.yaml"), s.Rules, 0o600); err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	_, err = c.RunBeside(ctx, Server, binary, []string{
		"--config.file=" + config, "--storage.tsdb.path=" + filepath.Join(s.Dir, "data"), "--web.listen-address=" + address,
	}, func(ctx context.Context) error { return ready(ctx, "http://"+address+"/-/ready") })
	if err != nil {
		return nil, fmt.Errorf("starting Prometheus: %w", err)
	}
	client, err := api.NewClient(api.Config{Address: "http://" + address})
	if err != nil {
		return nil, fmt.Errorf("making a client of Prometheus: %w", err)
	}
	return &Prometheus{prometheus.NewAPI(client)}, nil
}

func (s Scrape) config(c *cluster.Cluster) string {
	server := c.RESTConfig()
	return fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs:
  - job_name: reprise-metrics
    static_configs: [{targets: [%s]}]
  - job_name: apiserver
    scrape_interval: 5s
    scrape_timeout: 5s
    scheme: https
    tls_config: {ca_file: %s, cert_file: %s, key_file: %s}
    static_configs: [{targets: [%s]}]
    metric_relabel_configs:
      - {source_labels: [__name__], regex: apiserver_admission_webhook_.*, action: keep}
`, strings.Join(s.Replicas, ", "), server.CAFile, server.CertFile, server.KeyFile, strings.TrimPrefix(server.Host, "https://"))
}

func ready(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, answer.Status)
	}
	return nil
}

// Ask evaluates an expression as of now.
func (p *Prometheus) Ask(ctx context.Context, expr string) (model.Vector, error) {
	value, warnings, _, err := p.Query(ctx, expr, time.Now())
	if err != nil {
		return nil, fmt.Errorf("asking Prometheus for %s: %w", expr, err)
	}
	if len(warnings) > 0 {
		return nil, fmt.Errorf("asking Prometheus for %s: it warns: %q", expr, warnings)
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("asking Prometheus for %s: it is %s, not a vector", expr, value.Type())
	}
	return vector, nil
}
