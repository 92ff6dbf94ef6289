package cluster

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// processesOf returns the processes of this machine whose command line names the folder.
func processesOf(t *testing.T, folder string) (found []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		// A process may have ended since.
		if line, err := os.ReadFile(file); err == nil && strings.Contains(string(line), folder) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// separate gives the test a place for temporary files of its own, to see what is left there.
func separate(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	t.Setenv("TMPDIR", folder)
	return folder
}

func assertNothingLeft(t *testing.T, folder string) {
	t.Helper()
	if left := processesOf(t, folder); len(left) > 0 {
		t.Errorf("still running:\n%s", strings.Join(left, "\n"))
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Errorf("left behind: %s", entry.Name())
	}
}

func TestTwoClustersAreApartAndLeaveNothingBehind(t *testing.T) {
	folder := separate(t)
	second, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = second.Stop() })
	if running := processesOf(t, folder); len(running) != 5 {
		t.Errorf("%d processes run, want the five of a whole cluster:\n%s", len(running), strings.Join(running, "\n"))
	}
	namespace := newNamespace(t, adminClient(t, second))
	_, err = adminClient(t, shared).CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("a namespace of the second cluster in the first: %v, want not found", err)
	}
	if err := second.Stop(); err != nil {
		t.Fatal(err)
	}
	assertNothingLeft(t, folder)
	if err := second.Stop(); err != nil {
		t.Errorf("stopping again: %v", err)
	}
}

func TestFailingStartShowsTheLogAndCleansUp(t *testing.T) {
	folder := separate(t)
	_, err := Start(t.Context(), Options{ControlPlaneOnly: true, APIServerFlags: []string{"--no-such-flag"}})
	if err == nil {
		t.Fatal("started with a flag that does not exist")
	}
	for _, want := range []string{"kube-apiserver ended", "unknown flag: --no-such-flag"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
	assertNothingLeft(t, folder)
}

func TestTakenPortIsRecognised(t *testing.T) {
	c := &Cluster{binaries: shared.binaries, dir: t.TempDir(), etcdPort: shared.apiPort}
	err := c.startEtcd(t.Context())
	stopProcesses(c.processes)
	if !errors.Is(err, errPortTaken) {
		t.Errorf("etcd on a port in use: %v, want errPortTaken", err)
	}
}

func TestAPIServerKeepsItsDataOverARestart(t *testing.T) {
	separate(t)
	c, err := Start(t.Context(), Options{ControlPlaneOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	client := adminClient(t, c)
	namespace := newNamespace(t, client)
	before := c.running(APIServer).cmd.Process.Pid
	if err := c.RestartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := c.running(APIServer).cmd.Process.Pid; after == before {
		t.Error("the API server was not restarted")
	}
	if _, err := client.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{}); err != nil {
		t.Errorf("reading back a namespace with a client from before: %v", err)
	}
}

// TestChildrenDieWithTheParent runs this test again in a process that starts a cluster and is
// killed.
func TestChildrenDieWithTheParent(t *testing.T) {
	if os.Getenv("CLUSTER_TEST_ORPHAN") != "" {
		if _, err := Start(context.Background(), Options{ControlPlaneOnly: true}); err != nil {
			t.Fatal(err)
		}
		process, err := os.FindProcess(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		_ = process.Kill()
		select {}
	}
	folder := separate(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildrenDieWithTheParent$")
	cmd.Env = append(os.Environ(), "CLUSTER_TEST_ORPHAN=1")
	if out, err := cmd.CombinedOutput(); err == nil || strings.Contains(string(out), "FAIL") {
		t.Fatalf("the parent should have been killed: %v\n%s", err, out)
	}
	eventually(t, grace, func() error {
		if left := processesOf(t, folder); len(left) > 0 {
			return errors.New("still running: " + strings.Join(left, "\n"))
		}
		return nil
	})
}

func TestChartIsRenderedByHelmAndApplied(t *testing.T) {
	const folder = "testdata/chart"
	err := shared.InstallChartFrom(t.Context(), folder, "tiny", "tiny-system", map[string]any{"greeting": "moin"})
	if err != nil {
		t.Fatal(err)
	}
	got := kubectl(t, "", "get", "-n", "tiny-system", "serviceaccount/tiny", "widgets/tiny", "-o",
		`jsonpath={.items[*].metadata.annotations.greeting} {.items[*].metadata.labels.server} {.items[*].metadata.labels.policies}`)
	version, err := adminClient(t, shared).Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if want := "moin " + version.GitVersion + " true"; got != want {
		t.Errorf("the chart's objects hold %q, want %q", got, want)
	}
	err = shared.InstallChartFrom(t.Context(), folder, "tiny", "tiny-system", map[string]any{"gretting": "moin"})
	if err == nil || !strings.Contains(err.Error(), "gretting") {
		t.Errorf("values with a misspelt key: %v, want the schema's refusal", err)
	}
}

func TestServiceAccountHasOnlyItsOwnRights(t *testing.T) {
	namespace := newNamespace(t, adminClient(t, shared))
	kubectl(t, "", "create", "serviceaccount", "-n", namespace, "reader")
	config, kubeconfig, err := shared.ServiceAccountConfig(t.Context(), namespace, "reader")
	if err != nil {
		t.Fatal(err)
	}
	got := kubectl(t, "", "auth", "whoami", "--kubeconfig="+kubeconfig, "-o", "jsonpath={.status.userInfo.username}")
	if want := "system:serviceaccount:" + namespace + ":reader"; got != want {
		t.Errorf("the kubeconfig acts as %q, want %q", got, want)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Secrets(namespace).List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("listing Secrets: %v, want forbidden", err)
	}
}

func TestScoresManifestsApplyWithTheGatewayDefinitions(t *testing.T) {
	if err := shared.InstallGatewayCRDs(t.Context()); err != nil {
		t.Fatal(err)
	}
	namespace := newNamespace(t, adminClient(t, shared))
	got := kubectl(t, "", "apply", "-n", namespace, "-f", "../../testdata/score/tutorial/1-healthy/manifests.yaml")
	if !strings.Contains(got, "httproute.gateway.networking.k8s.io/route-sample-app-7b4f3af6 created") {
		t.Errorf("kubectl apply printed %q, want the HTTPRoute created", got)
	}
}
