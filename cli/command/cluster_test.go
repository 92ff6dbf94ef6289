package command

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/cli/internal/apitest"
	"reprise.dev/reprise/internal/version"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// output is what a command prints, and may be read meanwhile.
type output struct {
	lock    sync.Mutex
	text    bytes.Buffer
	written chan struct{}
}

func newOutput() *output { return &output{written: make(chan struct{}, 1)} }

// Write implements io.Writer.
func (o *output) Write(text []byte) (int, error) {
	o.lock.Lock()
	defer o.lock.Unlock()
	select {
	case o.written <- struct{}{}:
	default:
	}
	return o.text.Write(text)
}

func (o *output) String() string {
	o.lock.Lock()
	defer o.lock.Unlock()
	return o.text.String()
}

// waits until a text is printed.
func (o *output) waits(t *testing.T, want string) {
	t.Helper()
	for end := time.After(patience); !strings.Contains(o.String(), want); {
		select {
		case <-o.written:
		case <-end:
			t.Fatalf("%q is not printed, but:\n%s", want, o)
		}
	}
}

// running is a command that runs.
type running struct {
	out, errors *output
	code        chan int
	interrupt   context.CancelFunc
}

// start runs a command against a server.
func start(t *testing.T, server *apitest.Server, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{out: newOutput(), errors: newOutput(), code: make(chan int, 1), interrupt: cancel}
	args = append([]string{"--kubeconfig", server.Kubeconfig()}, args...)
	var over sync.WaitGroup
	t.Cleanup(over.Wait)
	t.Cleanup(cancel)
	over.Go(func() {
		r.code <- Run(ctx, args, genericiooptions.IOStreams{In: strings.NewReader(""), Out: r.out, ErrOut: r.errors})
	})
	return r
}

// ends waits for the end of a command, and checks its code and a part of what it printed.
func (r *running) ends(t *testing.T, code int, want string) {
	t.Helper()
	select {
	case got := <-r.code:
		if said := r.out.String() + r.errors.String(); got != code || !strings.Contains(said, want) {
			t.Errorf("exit code %d, want %d and %q in:\n%s", got, code, want, said)
		}
	case <-time.After(patience):
		t.Fatalf("it does not end:\n%s%s", r.out, r.errors)
	}
}

// rolledBack is a server with a workload that was rolled back, and more.
func rolledBack(t *testing.T, more ...client.Object) *apitest.Server {
	t.Helper()
	server := apitest.New(t, append(apitest.Rescued(t, "cart"), more...)...)
	server.Log("cart-good", "main", "hello", "ready")
	return server
}

func TestRun_reads(t *testing.T) {
	server := rolledBack(t)
	never := apitest.New(t, apitest.Deployment("cart", "x"), apitest.Lease(time.Now()))
	denied := rolledBack(t, apitest.Denied(t, "cart"))
	dead := rolledBack(t, apitest.Lease(time.Now().Add(-time.Hour)))
	two := rolledBack(t, apitest.Deployment("checkout", "x"))
	for _, tt := range []struct {
		reason string
		server *apitest.Server
		args   string
		code   int
		says   string
	}{
		{"all workloads", server, "status", 0, "cart   3          Healthy"},
		{"all of all namespaces", server, "status -A", 0, "NAMESPACE   NAME   REVISION"},
		{"for a script", server, "status --no-headers -o wide", 0, "cart   3 "},
		{"one workload", server, "status cart", 0, "Last failure"},
		{"one as JSON", server, "status cart -o json", 0, `"phase": "Healthy"`},
		{"one by name", server, "status cart -o name", 0, "deployment.apps/cart\n"},
		{"all as YAML", server, "status -o yaml", 0, "items:\n- "},
		{"all by name", server, "status -o name", 0, "deployment.apps/cart\n"},
		{"a name and all namespaces", server, "status cart -A", codeUnknown, "leave out the name"},
		{"a format that there is not", server, "status -o xml", codeUnknown, "expected one of [wide json yaml name]"},
		{"nothing there", apitest.New(t), "status", 0, "no workload that Reprise guards in namespace shop"},
		{"nothing anywhere", apitest.New(t), "status -A", 0, "no workload that Reprise guards in any namespace"},
		{"a misspelt name", server, "status crat", codeUnknown, "did you mean cart?"},
		{"Reprise does not run", dead, "status", 0, "warning: Reprise is not running"},

		{"history", server, "history", 0, "Healthy      live   podinfo:1"},
		{"history with more", server, "history -o wide", 0, "IMAGES"},
		{"history as YAML", server, "history -o yaml", 0, "kind: WorkloadRevisionList"},
		{"history as JSON", server, "history -o json", 0, `"kind": "WorkloadRevision"`},
		{"history by name", server, "history -o name", 0, "workloadrevision.reprise.dev/cart-2\n"},
		{"history that is empty", never, "history", 0, "Reprise has recorded no revision of cart"},
		{"history in a bad format", server, "history -o xml", codeUnknown, "is not supported"},
		{"history of one of two", two, "history", codeUnknown, "name one of cart, checkout"},

		{"diff", server, "diff", 0, "cart #1 → #2: "},
		{"diff of two", server, "diff cart 2 1", 0, "containers.main.image"},
		{"diff with the newest", server, "diff cart 2", 0, "cart #2 → #3"},
		{"diff in Kubernetes' terms", server, "diff cart 1 2 --kubernetes", 0, "spec.template.spec.containers"},
		{"diff as JSON", server, "diff -o json", 0, `"field": "containers.main.image"`},
		{"diff in a bad format", server, "diff -o yaml", codeUnknown, "expected one of [json]"},
		{"diff without a history", never, "diff", codeUnknown, "a diff needs two"},
		{"diff of a revision that there is not", server, "diff cart 9", codeUnknown, "has no revision #9"},
		{"diff to a revision that there is not", server, "diff cart 1 9", codeUnknown, "has no revision #9"},
		{"diff of a workload that there is not", server, "diff nope", codeUnknown, `has no workload "nope"`},

		{"why", server, "why", 0, "cart #2 failed"},
		{"why a revision", server, "why cart 3", 0, "cart #3"},
		{"why it was rejected", denied, "why", 0, "requests-within-limits"},
		{"why for programs", denied, "why -o yaml", 0, "kind: WorkloadRevision\n"},
		{"why as JSON", server, "why -o json", 0, `"kind": "WorkloadRevision"`},
		{"why in a bad format", server, "why -o wide", codeUnknown, "is not supported"},
		{"why without a history", never, "why", codeUnknown, "Reprise has recorded no revision of cart"},
		{"why of a revision that there is not", server, "why cart two", codeUnknown, `"two"`},
		{"why of a workload that there is not", server, "why nope", codeUnknown, `has no workload "nope"`},

		{"logs of what failed", server, "logs --revision 2", 0, "[pod/cart-bad/main] boom"},
		{"the last line", server, "logs --revision 2 --tail 1", 0, "saved when it failed"},
		{"saved logs of another container", server, "logs --revision 2 -c nope", codeUnknown, `no logs were saved of container "nope"; there are logs of main`},
		{"logs of what runs", server, "logs --revision 3", 0, "[pod/cart-good/main] hello\n[pod/cart-good/main] ready\n"},
		{"the last line of what runs", server, "logs --revision 3 --tail 1", 0, "[pod/cart-good/main] ready\n"},
		{"logs of another container", server, "logs --revision 3 -c nope", codeUnknown, `there is no container "nope"; there are main`},
		{"logs of a run that is not there", server, "logs --revision 3 --previous", codeUnknown, "reading the log of container main"},
		{"logs of a revision that there is not", server, "logs --revision 9", codeUnknown, "has no revision #9"},
		{"logs without a history", never, "logs", codeUnknown, "Reprise has recorded no revision of cart"},
		{"logs of a workload that there is not", server, "logs nope", codeUnknown, `has no workload "nope"`},

		{"version", server, "version", 0, "Cluster:    " + apitest.Version},
		{"version for programs", server, "version -o json", 0, `"revisions": [`},
		{"version in a bad format", server, "version -o wide", codeUnknown, "expected one of [json yaml]"},
		{"options", server, "options", 0, "--reprise-namespace"},
		{"help", server, "--help", 0, "Inspect workloads:"},
		{"help of a command", server, "status --help", 0, "If true, list across all namespaces."},
		{"completion", server, "completion bash", 0, "kubectl-reprise"},
		{"too many arguments", server, "why a 1 2", codeUnknown, "See 'kubectl reprise why --help' for usage and examples"},
		{"an unknown flag", server, "status --bogus", codeUnknown, "See 'kubectl reprise status --help'"},
		{"a context that there is not", server, "status --context nowhere", codeUnknown, `context "nowhere" does not exist`},
		{"a server that is not there", server, "status -s http://127.0.0.1:1", codeUnknown, "cannot reach the cluster http://127.0.0.1:1"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			start(t, tt.server, strings.Fields(tt.args)...).ends(t, tt.code, tt.says)
		})
	}
}

func TestRun_withoutConnection(t *testing.T) {
	for _, args := range []string{"status", "history", "diff", "why", "logs", "rollback", "retry", "pause", "wait", "version", "check --live -f " + tutorial("1-healthy")} {
		var errors bytes.Buffer
		code := Run(t.Context(), append(strings.Fields(args), "--kubeconfig", os.DevNull, "--context", "nowhere"), genericiooptions.IOStreams{Out: io.Discard, ErrOut: &errors})
		if code != codeUnknown || !strings.Contains(errors.String(), "nowhere") {
			t.Errorf("%s: exit code %d: %s", args, code, &errors)
		}
	}
}

func TestRun_rights(t *testing.T) {
	for _, tt := range []struct{ forbidden, args, says string }{
		{"list deployments", "status", "you may not read workloads in namespace shop"},
		{"list workloadrevisions", "history cart", "you may not read revisions in namespace shop"},
		{"list workloadrevisions", "status -A", "you may not read revisions in all namespaces"},
		{"list pods", "logs cart", "you may not read workloads"},
		{"log pods", "logs cart --revision 3", "the right to get pods/log"},
		{"patch deployments", "pause", "you may not patch deployment/cart"},
		{"patch deployments", "retry", "you may not patch deployment/cart"},
		{"patch deployments", "rollback --to 2 --yes", "you may not patch deployment/cart"},
		{"list workloadrevisions", "wait cart", "you may not read revisions"},
		{"list workloadrevisions", "status -w", "you may not read revisions"},
	} {
		server := rolledBack(t)
		verb, plural, _ := strings.Cut(tt.forbidden, " ")
		server.Forbid(verb, plural)
		start(t, server, strings.Fields(tt.args)...).ends(t, codeUnknown, tt.says)
	}
}

func TestRun_withoutReprise(t *testing.T) {
	server := apitest.New(t, apitest.Deployment("cart", "x"))
	server.Remove(v1alpha1.GroupVersion.Group)
	for args, code := range map[string]int{"status": codeUnknown, "why": codeUnknown, "wait cart": codeUnknown, "version": codeFailed} {
		start(t, server, strings.Fields(args)...).ends(t, code, "Reprise is not installed in it")
	}
	server.Fail("version", -1, apierrors.NewUnauthorized("who"))
	start(t, server, "version").ends(t, codeUnknown, "log in again")
}

func TestRun_notRunning(t *testing.T) {
	server := rolledBack(t, apitest.Lease(time.Now().Add(-time.Hour)))
	for _, args := range []string{"wait", "rollback --yes", "retry"} {
		start(t, server, strings.Fields(args)...).ends(t, codeUnknown, "error: Reprise is not running")
	}
}

func TestRun_versionsThatDoNotFit(t *testing.T) {
	lease := apitest.Lease(time.Now())
	lease.Labels = map[string]string{version.Label: "7.8.0"}
	start(t, rolledBack(t, lease), "version", "-o", "yaml").ends(t, 0, "reprise: 7.8.0")
}

func TestRun_checkLive(t *testing.T) {
	bounds := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "bounds", Namespace: apitest.Namespace}}
	if err := yaml.Unmarshal([]byte(limits), bounds); err != nil {
		t.Fatal(err)
	}
	server := rolledBack(t, bounds)
	start(t, server, "check", "--live", "-f", tutorial("3-fixed-limit")).ends(t, codeFailed, "LimitRange bounds")
	server.Forbid("list", "limitranges")
	start(t, server, "check", "--live", "-f", tutorial("3-fixed-limit")).ends(t, codeUnknown, "limitranges")
}

func TestRun_pause(t *testing.T) {
	server := rolledBack(t)
	mode := func() string {
		var d appsv1.Deployment
		server.Get("deployments", "cart", &d)
		return d.Annotations[v1alpha1.RollbackAnnotation]
	}
	start(t, server, "pause").ends(t, 0, "cart: Reprise only reports failures. To roll back again: kubectl reprise resume cart -n shop")
	if mode() != "manual" {
		t.Errorf("the annotation is %q", mode())
	}
	start(t, server, "resume").ends(t, 0, "cart: Reprise rolls back failures")
	if mode() != "" {
		t.Errorf("the annotation is %q", mode())
	}
	server.Put(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: apitest.Namespace, Annotations: map[string]string{v1alpha1.RollbackAnnotation: "manual"}}})
	start(t, server, "resume").ends(t, 0, "its pod template or namespace still sets reprise.dev/rollback to manual")
	off := apitest.Deployment("cart", "podinfo:1")
	off.Annotations[v1alpha1.RollbackAnnotation] = "off"
	server.Put(off)
	start(t, server, "resume").ends(t, codeUnknown, `is "off", which pause does not set`)
	start(t, server, "pause", "nope").ends(t, codeUnknown, `has no workload "nope"`)
	server.Delete("deployments", apitest.Namespace, "cart")
	for _, args := range []string{"pause", "resume", "retry", "rollback --yes"} {
		start(t, server, strings.Fields(args)...).ends(t, codeUnknown, "deployment/cart is gone; only its history is kept")
	}
}

// requested waits until an annotation is set.
func requested(t *testing.T, server *apitest.Server, key string, answer func()) {
	t.Helper()
	server.Before("get deployments", func() {
		var d appsv1.Deployment
		server.Get("deployments", "cart", &d)
		if d.Annotations[key] != "" {
			server.Before("get deployments", func() {})
			answer()
		}
	})
}

func TestRun_retry(t *testing.T) {
	server := rolledBack(t)
	requested(t, server, v1alpha1.RetryAnnotation, func() {
		server.Answer("cart-2", "reprise.dev/retry=2", v1alpha1.RequestAccepted, "#2 may be applied again")
	})
	start(t, server, "retry").ends(t, 0, "#2 may be applied again")
	start(t, server, "retry", "cart", "2").ends(t, 0, "#2 may be applied again")

	server = rolledBack(t)
	requested(t, server, v1alpha1.RetryAnnotation, func() {
		server.Answer("cart-2", "reprise.dev/retry=2", v1alpha1.RequestRejected, "it is not quarantined")
	})
	start(t, server, "retry").ends(t, codeFailed, "it is not quarantined")

	server = rolledBack(t)
	start(t, server, "retry", "--timeout", "300ms").ends(t, codeUnknown, "timed out after 300ms")
	start(t, server, "retry", "cart", "1").ends(t, codeUnknown, "nothing to retry")
	start(t, server, "retry", "cart", "9").ends(t, codeUnknown, "has no revision #9")
	start(t, server, "retry", "nope").ends(t, codeUnknown, `has no workload "nope"`)
	server.Put(apitest.Deployment("cart", "podinfo:7"))
	start(t, server, "retry").ends(t, codeUnknown, "cannot tell which revision of cart runs")
	free := apitest.Deployment("cart", "podinfo:1")
	free.Annotations = nil
	server.Put(free)
	start(t, server, "retry").ends(t, codeUnknown, "not guarded by Reprise any more")
}

func TestRun_rollback(t *testing.T) {
	const request = "reprise.dev/rollback-to=2@3"
	put := func(server *apitest.Server, phase v1alpha1.Phase) {
		server.Answer("cart-3", request, v1alpha1.RequestAccepted, "#2 is to run")
		server.Put(apitest.Revision(t, 4, apitest.Deployment("cart", "podinfo:2"), phase, func(r *v1alpha1.WorkloadRevision) {
			r.Spec.RollbackOf, r.Spec.RestoredFrom = 3, 2
			r.Status.Failure = &v1alpha1.Failure{Reason: v1alpha1.FailureWorkloadFailed, Message: "boom"}
		}))
	}
	for _, tt := range []struct {
		reason string
		answer func(*apitest.Server)
		code   int
		says   string
	}{
		{"it becomes healthy", func(s *apitest.Server) { put(s, v1alpha1.PhaseHealthy) }, 0, "#2 runs as #4, which is Healthy"},
		{"it fails", func(s *apitest.Server) { put(s, v1alpha1.PhaseFailed) }, codeFailed, "boom"},
		{"it is rejected", func(s *apitest.Server) { s.Answer("cart-3", request, v1alpha1.RequestRejected, "#2 cannot run") }, codeFailed, "#2 cannot run"},
		{"another deploy comes", func(s *apitest.Server) {
			s.Put(apitest.Revision(t, 4, apitest.Deployment("cart", "podinfo:9"), v1alpha1.PhaseProgressing))
		}, codeSuperseded, "superseded by #4"},
	} {
		server := rolledBack(t)
		requested(t, server, v1alpha1.RollbackToAnnotation, func() { tt.answer(server) })
		r := start(t, server, "rollback", "--to", "2", "--yes")
		r.ends(t, tt.code, tt.says)
		if !strings.Contains(r.out.String(), "cart #3 → #2") || !strings.Contains(r.out.String(), "containers.main.image") {
			t.Errorf("%s: it does not show what changes:\n%s", tt.reason, r.out)
		}
	}
	server := rolledBack(t)
	start(t, server, "rollback", "--to", "2", "--dry-run").ends(t, 0, "containers.main.image")
	start(t, server, "rollback", "--to", "2").ends(t, codeUnknown, "standard input is not a terminal: use --yes")
	start(t, server, "rollback", "--to", "9").ends(t, codeUnknown, "has no revision #9")
	start(t, server, "rollback", "--yes").ends(t, codeUnknown, "has no healthy revision other than #3")
	server.Answer("cart-3", request, v1alpha1.RequestRejected, "#2 cannot run")
	start(t, server, "rollback", "--to", "2", "--yes").ends(t, codeUnknown, "Reprise answers each value once: #2 cannot run")
	server = rolledBack(t)
	r := start(t, server, "rollback", "--to", "2", "--yes", "--timeout", "1h")
	server.Before("get deployments", func() { r.interrupt() })
	r.ends(t, codeUnknown, "error: interrupted")
}

func TestRun_wait(t *testing.T) {
	manifest := func(image string) string {
		encoded, err := yaml.Marshal(apitest.Manifest(t, apitest.Deployment("cart", image)).Object)
		if err != nil {
			t.Fatal(err)
		}
		return string(encoded)
	}
	folder := files(t, map[string]string{
		"good.yaml": manifest("podinfo:1"), "bad.yaml": manifest("podinfo:2"), "never.yaml": manifest("podinfo:9"),
		"service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: cart}\n",
		"plain.yaml":   "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: plain}\n",
		"two.yaml":     manifest("podinfo:1") + "---\n" + strings.ReplaceAll(manifest("podinfo:1"), "cart", "nope"),
	})
	server := rolledBack(t)
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"-f good.yaml", 0, "#3 is Healthy"},
		{"-f bad.yaml", codeFailed, "cart #2 failed"},
		{"-f bad.yaml cart", codeFailed, "cart #2 failed"},
		{"", codeFailed, "cart #2 failed"}, // The newest one that Reprise did not make.
		{"-f two.yaml", codeUnknown, `has no workload "nope"`},
		{"-f never.yaml", codeUnknown, "cart"},
		{"-f service.yaml", codeUnknown, "the manifests have no Deployment"},
		{"-f plain.yaml", codeUnknown, "no workload to wait for: the manifests have the Deployments plain"},
		{"-f good.yaml svc/cart", codeUnknown, "does not name a workload"},
		{"-f missing.yaml", codeUnknown, "no such file"},
	} {
		args := append([]string{"wait"}, strings.Fields(tt.args)...)
		for i := range args {
			if strings.HasSuffix(args[i], ".yaml") {
				args[i] = folder + "/" + args[i]
			}
		}
		t.Run(tt.args, func(t *testing.T) { start(t, server, args...).ends(t, tt.code, tt.says) })
	}
}

// TestRun_waitFollows: what is under way is followed, over an API server that goes away, until
// there is a verdict.
func TestRun_waitFollows(t *testing.T) {
	deployed := apitest.Deployment("cart", "podinfo:4")
	server := rolledBack(t, deployed)
	r := start(t, server, "wait")
	looks := make(chan struct{}, 1)
	server.Before("get deployments", func() {
		select {
		case looks <- struct{}{}:
		default:
		}
	})
	for range 2 {
		<-looks
	}
	server.Fail("get deployments", 1, apierrors.NewServiceUnavailable("later"))
	server.Put(apitest.Revision(t, 4, deployed, v1alpha1.PhaseProgressing))
	<-looks
	server.Put(apitest.Revision(t, 4, deployed, v1alpha1.PhaseHealthy))
	r.ends(t, 0, "cart #4 is Healthy")

	server.Put(apitest.Revision(t, 4, deployed, v1alpha1.PhaseProgressing))
	start(t, server, "wait", "--timeout", "300ms").ends(t, codeUnknown, "timed out after 300ms: #4 is Progressing")
	r = start(t, server, "wait")
	<-looks
	<-looks
	r.interrupt()
	r.ends(t, codeUnknown, "error: interrupted")
}

func TestRun_statusWatch(t *testing.T) {
	for _, tt := range []struct{ args, before, after string }{
		{"-w", "Healthy", "checkout"},
		{"-w -o json", `"name": "cart"`, `"name": "checkout"`},
		{"-w -o yaml", "---\n", "name: checkout"},
		{"-w -o name", "deployment.apps/cart\n", "deployment.apps/checkout\n"},
		{"-w -A --no-headers", "shop", "checkout"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			server := rolledBack(t)
			r := start(t, server, append([]string{"status"}, strings.Fields(tt.args)...)...)
			r.out.waits(t, tt.before)
			server.BreakWatches()
			server.Put(apitest.Deployment("checkout", "x"))
			r.out.waits(t, tt.after)
			server.Delete("deployments", apitest.Namespace, "checkout")
			r.interrupt()
			r.ends(t, 0, "")
		})
	}
	t.Run("it goes away", func(t *testing.T) {
		t.Parallel()
		server := rolledBack(t, apitest.Deployment("checkout", "x"))
		r := start(t, server, "status", "-w")
		r.out.waits(t, "checkout")
		server.Delete("deployments", apitest.Namespace, "checkout")
		r.out.waits(t, "gone")
		r.interrupt()
		r.ends(t, 0, "")
	})
	t.Run("nothing to follow", func(t *testing.T) {
		t.Parallel()
		r := start(t, apitest.New(t), "status", "-w")
		r.errors.waits(t, "no workload that Reprise guards in namespace shop")
		r.interrupt()
		r.ends(t, 0, "")
	})
	t.Run("the server does not answer", func(t *testing.T) {
		t.Parallel()
		server := rolledBack(t)
		r := start(t, server, "status", "cart", "-w")
		r.out.waits(t, "cart")
		away := apierrors.NewGenericServerResponse(500, "list", schema.GroupResource{}, "", "away", 0, true)
		server.Fail("watch deployments", -1, away)
		server.Fail("list deployments", -1, away)
		server.BreakWatches()
		r.errors.waits(t, "warning: the cluster does not answer; trying again")
		r.interrupt()
		r.ends(t, 0, "")
	})
	start(t, rolledBack(t), "status", "nope", "-w").ends(t, codeUnknown, `has no workload "nope"`)
}

func TestRun_logsFollow(t *testing.T) {
	server := rolledBack(t)
	r := start(t, server, "logs", "--revision", "3", "-f")
	r.out.waits(t, "[pod/cart-good/main] ready\n")
	server.Log("cart-good", "main", "more")
	r.out.waits(t, "[pod/cart-good/main] more\n")
	server.Put(apitest.Deployment("cart", "podinfo:4"))
	server.EndLog("cart-good", "main")
	server.Delete("pods", apitest.Namespace, "cart-good")
	r.ends(t, 0, "cart #3, Healthy podinfo:1: it does not run any more, and its pods are gone")

	server = rolledBack(t)
	server.Delete("pods", apitest.Namespace, "cart-good")
	r = start(t, server, "logs", "--revision", "3", "-f")
	r.errors.waits(t, "waiting for its pods")
	r.interrupt()
	r.ends(t, 0, "")
	start(t, server, "logs", "--revision", "3").ends(t, codeUnknown, "no logs were saved of them; it has not failed")
}

func TestRun_completion(t *testing.T) {
	server := rolledBack(t)
	for _, tt := range []struct{ typed, offers string }{
		{"status ", "cart\n"},
		{"status deploy/", "deploy/cart\n"},
		{"status cart ", ":36\n"},
		{"status -o ", "wide\njson\nyaml\nname\n"},
		{"check -o ", "human\njson\njunit\ngithub\n"},
		{"why ", "cart\n"},
		{"why cart ", "1\tHealthy podinfo:1\n2\tRolledBack podinfo:2\n3\tHealthy podinfo:1\n"},
		{"rollback cart --to ", "2\tRolledBack podinfo:2\n"},
		{"rollback nope --to ", ":36\n"},
		{"logs cart -c ", "main\n"},
		{"logs nope -c ", ":36\n"},
		{"status --context ", "memory\n"},
		{"status --cluster ", "memory\n"},
		{"status --user ", "tester\n"},
		{"status -n ", "shop\n"},
	} {
		start(t, server, append([]string{"__complete"}, strings.Split(tt.typed, " ")...)...).ends(t, 0, tt.offers)
	}
	server.Forbid("list", "namespaces")
	start(t, server, "__complete", "status", "-n", "").ends(t, 0, ":36\n")
	start(t, server, "__complete", "--context", "nowhere", "status", "").ends(t, 0, ":36\n")
}

// onTerminal runs a command on a terminal, types an answer, and returns what is shown once the
// command has ended.
func onTerminal(t *testing.T, server *apitest.Server, typed, until string, args ...string) (string, int) {
	t.Helper()
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	user, program, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close()
	if err := pty.Setsize(user, &pty.Winsize{Cols: 100, Rows: 30}); err != nil {
		t.Fatal(err)
	}
	if _, err := user.WriteString(typed); err != nil {
		t.Fatal(err)
	}
	shown := newOutput()
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(shown, user) }) // It ends with the program's end.
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	code := make(chan int, 1)
	args = append([]string{"--kubeconfig", server.Kubeconfig()}, args...)
	go func() { code <- Run(ctx, args, genericiooptions.IOStreams{In: program, Out: program, ErrOut: program}) }()
	if until != "" {
		shown.waits(t, until)
		interrupt()
	}
	got := <-code
	_ = program.Close()
	reading.Wait()
	return shown.String(), got
}

func TestRun_onTerminal(t *testing.T) {
	for _, tt := range []struct {
		reason, typed, until, args string
		code                       int
		says                       string
	}{
		{"a table in place", "", "cart", "status -w", 0, "\x1b[J\x1b[?7lNAME"},
		{"a page in place", "", "Last failure", "status cart -w", 0, "\x1b[J"},
		{"nothing in place", "", "no workload", "status -w -n empty", 0, "no workload that Reprise guards in namespace empty"},
		{"an answer that is no", "n\n", "", "rollback --to 2", 0, "Roll back cart to #2? [y/N]"},
		{"the line of a wait", "", "#4 is Progressing", "wait", codeUnknown, "\r\x1b[K"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			server := rolledBack(t)
			if strings.HasPrefix(tt.args, "wait") {
				d := apitest.Deployment("cart", "podinfo:4")
				server.Put(d)
				server.Put(apitest.Revision(t, 4, d, v1alpha1.PhaseProgressing))
			}
			shown, code := onTerminal(t, server, tt.typed, tt.until, strings.Fields(tt.args)...)
			if code != tt.code || !strings.Contains(shown, tt.says) {
				t.Errorf("exit code %d, want %d and %q in:\n%q", code, tt.code, tt.says, shown)
			}
		})
	}
}
