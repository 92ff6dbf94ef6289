package plugin

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"reprise.dev/reprise/test/harness/product"
)

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*[mK]|\r")

// plain is a text without colors.
func plain(text string) string { return escapes.ReplaceAllString(text, "") }

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.reprise("status").says(p, 0, "no workload that Reprise guards in namespace "+p.Namespace)
	p.reprise("history").says(p, 2, "has no workload that Reprise guards; use -n to name another namespace")
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	p.reprise("history", "sample-ap").says(p, 2, `has no workload "sample-ap"; did you mean sample-app?`)
	p.reprise("history", "svc/sample-app").says(p, 2, "expected NAME or deploy/NAME")
	p.reprise("history", "-o", "xml").says(p, 2, "--output xml is not supported")
	p.Kubectl("create", "deployment", "plain", "--image=x")
	p.reprise("history", "plain").says(p, 2, "deployment/plain in namespace", "is not guarded by Reprise", "k8s.score.dev/workload-name")
	p.reprise("why").says(p, 0, "sample-app #1 has been Healthy")
	p.reprise("diff").says(p, 2, "a diff needs two")
	p.reprise("why", "a", "1", "2").says(p, 2, "accepts at most 2 arg(s), received 3", "See 'kubectl reprise why --help' for usage and examples")
	p.reprise("status", "--bogus").says(p, 2, "unknown flag: --bogus", "See 'kubectl reprise status --help'")
	p.reprise("status", "--server", "https://127.0.0.1:1").says(p, 2, "cannot reach the cluster https://127.0.0.1:1")
	p.reprise("history", "sample-app", "--as", "nobody").says(p, 2, "nobody")
}

// TestWhatIsShownToBeTypedReachesTheSameCluster: who names a context is shown commands that name
// it.
func TestWhatIsShownToBeTypedReachesTheSameCluster(t *testing.T) {
	t.Parallel()
	p := rolledBack(t)
	config, err := clientcmd.LoadFromFile(shared.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	config.Contexts["other"] = config.Contexts[config.CurrentContext]
	config.CurrentContext = "nowhere"
	config.Clusters["nowhere"] = &api.Cluster{Server: "https://127.0.0.1:1"}
	config.Contexts["nowhere"] = &api.Context{Cluster: "nowhere"}
	p.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, p.kubeconfig); err != nil {
		t.Fatal(err)
	}
	p.reprise("status").says(p, 2, "cannot reach the cluster https://127.0.0.1:1", "check --context")
	p.reprise("why", "--context", "other").says(p, 0, "kubectl reprise retry sample-app -n "+p.Namespace+" --context other\n")
	p.reprise("status", "sample-app", "--context", "other").says(p, 0, "kubectl reprise why sample-app -n "+p.Namespace+" --context other\n")
	p.reprise("status", "--context", "third").says(p, 2, `context "third" does not exist`)
	p.reprise("__complete", "status", "--context", "").says(p, 0, "nowhere\nother\n")
}

func TestAWorkloadThatIsGoneOrLetGoIsToldAsSuch(t *testing.T) {
	t.Parallel()
	p := rolledBack(t)
	p.reprise("logs", "--revision", "3", "-c", "nope").says(p, 2, `there is no container "nope"; there are frontend`)
	p.Kubectl("label", "deployment/sample-app", "reprise.dev/guard=disabled")
	const letGo = "is not guarded by Reprise any more"
	product.Eventually(t, func() (bool, string) {
		said := p.reprise("status")
		return strings.Contains(said.out, "unguarded"), said.out
	})
	p.reprise("status", "sample-app").says(p, 0, "Reprise does not guard it any more")
	p.reprise("rollback", "--to", "1", "--yes").says(p, 2, letGo)
	p.reprise("retry").says(p, 2, letGo)
	p.Kubectl("delete", "deployment/sample-app")
	product.Eventually(t, func() (bool, string) { said := p.reprise("logs"); return saved(said), said.errors })
	p.reprise("status").says(p, 0, "sample-app   -          gone")
	p.reprise("history").says(p, 0, "last healthy")
	p.reprise("why").says(p, 0, "sample-app #2 failed")
	p.reprise("logs", "-f").says(p, 0, "/frontend] boom")
	p.reprise("logs", "-c", "nope").says(p, 2, `no logs were saved of container "nope"; there are logs of frontend`)
	for _, words := range [][]string{{"rollback", "--yes"}, {"retry"}, {"pause"}, {"resume"}} {
		p.reprise(words...).says(p, 2, "deployment/sample-app is gone; only its history is kept")
	}
}

// saved says whether logs came out of what was saved.
func saved(t typed) bool {
	return strings.Contains(t.errors, "its pods are gone; these lines were saved when it failed")
}
