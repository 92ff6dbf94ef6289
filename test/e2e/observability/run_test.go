package observability

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/monitoring"
	"reprise.dev/reprise/test/harness/product"
)

// mustHave fails the tests that need Prometheus in the place of skipping them.
var mustHave = flag.Bool("must-have-prometheus", false, "fail where Prometheus cannot be had, in the place of skipping")

// startWithin bounds the start, which may have to compile the product.
const startWithin = 12 * time.Minute

// install is the running product: one replica leads, and the other, which the API server calls,
// does not.
type install struct {
	leader, admitting *product.Instance
	// profiles is where the admitting replica serves them, and profiled why it did not.
	profiles string
	profiled error
	// admitted are the metrics that the admitting replica served before it ended.
	admitted   string
	api        client.Client
	prometheus *monitoring.Prometheus
}

// played is the one run of the package's tests, played to its end.
var played = sync.OnceValues(func() (*install, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	dir, err := os.MkdirTemp("", "reprise-observability-")
	if err != nil {
		return nil, err
	}
	i, err := start(ctx, dir)
	if err != nil {
		return nil, err
	}
	return i, i.play(ctx)
})

// run is the run that was played. The test is skipped where Prometheus cannot be had.
func run(t *testing.T) *install {
	t.Helper()
	_, err := monitoring.Find(monitoring.Server)
	if err != nil && *mustHave {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	i, err := played()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// start starts the leader first, then policies that the webhook would refuse, then the replica that
// admits, and Prometheus, which sees all of what is played.
func start(ctx context.Context, dir string) (*install, error) {
	if _, err := product.Build(ctx, os.Stderr, product.Program, ""); err != nil {
		return nil, err
	}
	ports, err := cluster.FreePorts(3)
	if err != nil {
		return nil, err
	}
	port, leading, profiles := ports[0], ports[1], ports[2]
	if err := product.Install(ctx, shared, port, nil); err != nil {
		return nil, err
	}
	if err := shared.InstallGatewayCRDs(ctx); err != nil {
		return nil, err
	}
	i := &install{}
	if i.api, err = product.NewClient(shared); err != nil {
		return nil, err
	}
	if i.leader, err = product.Start(ctx, shared, "reprise-leader", leading); err != nil {
		return nil, err
	}
	if err := eventually(ctx, func() error { return serves(i.leader.Metrics, `leader_election_master_status{name="reprise"} 1`) }); err != nil {
		return nil, err
	}
	if err := i.bringPolicies(ctx); err != nil {
		return nil, err
	}
	i.profiles = fmt.Sprintf("127.0.0.1:%d", profiles)
	if i.admitting, err = product.Start(ctx, shared, "reprise-admitting", port, "--pprof-bind-address="+i.profiles); err != nil {
		return nil, err
	}
	return i, i.watch(ctx, dir)
}

// watch starts Prometheus, and waits until it has scraped both replicas: an increase counts from
// there.
func (i *install) watch(ctx context.Context, dir string) error {
	rendered, err := monitoring.Render()
	if err != nil {
		return err
	}
	var replicas []string
	for _, instance := range []*product.Instance{i.leader, i.admitting} {
		replicas = append(replicas, strings.TrimPrefix(instance.Metrics, "http://"))
	}
	i.prometheus, err = monitoring.Start(ctx, shared, monitoring.Scrape{Replicas: replicas, Rules: rendered.Rules, Dir: dir})
	if err != nil {
		return err
	}
	return i.shows(ctx, "count(count_over_time(reprise_build_info[1m]) >= 2)", 2)
}

// bringPolicies stores a policy that does not compile, and one that fails in one namespace whenever
// it is asked.
func (i *install) bringPolicies(ctx context.Context) error {
	for name, rego := range map[string]string{
		"broken": "package broken\n\ndeny contains",
		"puzzle": `package puzzle

deny contains msg if {
	input.request.namespace == "puzzled"
	msg := sprintf("%d", [to_number("no number")])
}
`,
	} {
		if err := i.api.Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: product.Namespace, Name: name, Labels: map[string]string{"reprise.dev/policy": "true"}},
			Data:       map[string]string{"p.rego": rego},
		}); err != nil {
			return fmt.Errorf("bringing policy %s: %w", name, err)
		}
	}
	return nil
}

// play plays one of each: a deploy that becomes healthy, one that is refused, one that fails and is
// put back, the same again, one that fails with nothing to go back to, one that cannot be judged,
// and one while nobody answers.
func (i *install) play(ctx context.Context) error {
	for _, namespace := range []string{"shop", "first", "puzzled", "unasked"} {
		if err := i.api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: namespace, Annotations: map[string]string{"reprise.dev/bake-time": "1s"},
		}}); err != nil {
			return err
		}
	}
	for _, step := range []struct{ namespace, manifest, refused, becomes string }{
		{"shop", "1-healthy", "", "1 Healthy"},
		{"shop", "2-broken", "exceeds the limit", "1 Healthy"},
		{"shop", "6-crashloop", "", "1 Healthy, 2 RolledBack, 3 Healthy"},
		{"shop", "6-crashloop", "this pod template failed as revision 2", "1 Healthy, 2 RolledBack, 3 Healthy"},
		{"first", "5-bad-image", "", "1 Failed"},
		{"puzzled", "1-healthy", "", "1 Healthy"},
	} {
		if err := i.deploy(ctx, step.namespace, step.manifest, step.refused, step.becomes); err != nil {
			return err
		}
	}
	if err := i.shows(ctx, "max(reprise_rollbacks_held)", 1); err != nil {
		return err
	}
	_, i.profiled = get("http://" + i.profiles + "/debug/pprof/heap?debug=1")
	var err error
	if i.admitted, err = get(i.admitting.Metrics + "/metrics"); err != nil {
		return err
	}
	i.admitting.Stop()
	return i.deploy(ctx, "unasked", "1-healthy", "", "1 Healthy")
}

// deploy applies a step of the tutorial, which is refused with some words or, where there are none,
// stored; and waits until the workload's history is as it should be.
func (i *install) deploy(ctx context.Context, namespace, manifest, refused, becomes string) error {
	file := filepath.Join("..", "..", "testdata", "score", "tutorial", manifest, "manifests.yaml")
	out, stderr, err := shared.Kubectl(ctx, "-n", namespace, "apply", "-f", file)
	if (err != nil) != (refused != "") || !strings.Contains(stderr, refused) {
		return fmt.Errorf("deploying %s in %s: want it refused with %q: %w\n%s%s", manifest, namespace, refused, err, out, stderr)
	}
	return eventually(ctx, func() error {
		h, err := store.List(ctx, i.api, namespace, "sample-app")
		if err != nil {
			return err
		}
		if got := product.Phases(h); got != becomes {
			return fmt.Errorf("the history in %s is %q, want %q", namespace, got, becomes)
		}
		return nil
	})
}

// shows waits until an expression has one value.
func (i *install) shows(ctx context.Context, expr string, want float64) error {
	return eventually(ctx, func() error { return i.is(ctx, expr, want) })
}

// is says whether an expression has one value now.
func (i *install) is(ctx context.Context, expr string, want float64) error {
	vector, err := i.prometheus.Ask(ctx, expr)
	if err != nil {
		return err
	}
	if len(vector) != 1 || float64(vector[0].Value) != want {
		return fmt.Errorf("%s is %v, want %v", expr, vector, want)
	}
	return nil
}

// eventually waits until a condition holds, for as long as tests are patient.
func eventually(ctx context.Context, holds func() error) error {
	ctx, cancel := context.WithTimeout(ctx, product.Patience)
	defer cancel()
	for {
		err := holds()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// serves says whether a replica serves a line of metrics.
func serves(address, line string) error {
	text, err := get(address + "/metrics")
	if err == nil && !strings.Contains(text, line+"\n") {
		err = fmt.Errorf("%s does not serve %s", address, line)
	}
	return err
}

// get is what a URL answers with 200.
func get(url string) (string, error) {
	answer, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", url, answer.Status, text)
	}
	return string(text), err
}
