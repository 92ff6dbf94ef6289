package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"reprise.dev/reprise/test/harness/cluster"
)

// helmNamespace is where Helm deploys; Reprise leaves what is there alone.
const helmNamespace = "helm"

// helmChart is a chart of one Deployment.
var helmChart = map[string]string{
	"Chart.yaml": "apiVersion: v2\nname: plain\nversion: 0.1.0\n",
	"templates/deployment.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: plain}
spec:
  selector: {matchLabels: {app: plain}}
  template:
    metadata: {labels: {app: plain}}
    spec: {containers: [{name: plain, image: {{ .Values.image | quote }}}]}
`,
}

// helm measures when `helm upgrade --rollback-on-failure` puts back what it deployed, with its
// defaults. It ends with an error by design, which says so.
func (st *stage) helm(ctx context.Context, b *baselines, folder string, s sizes) error {
	if !s.helm {
		return nil
	}
	chart := filepath.Join(folder, "chart")
	for name, content := range helmChart {
		path := filepath.Join(chart, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			return err
		}
	}
	paths, err := cluster.Binaries(ctx, st.Progress, cluster.Helm)
	if err != nil {
		return err
	}
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, paths[cluster.Helm], append(args, "plain", chart, "--namespace="+helmNamespace)...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+st.Cluster.Kubeconfig(), "HELM_CACHE_HOME="+folder, "HELM_CONFIG_HOME="+folder, "HELM_DATA_HOME="+folder)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("install", "--create-namespace", "--wait", "--set=image=registry.example.com/application:1"); err != nil {
		return fmt.Errorf("helm install: %w: %s", err, out)
	}
	began := time.Now()
	out, err := run("upgrade", "--rollback-on-failure", "--set=image=registry.example.com/"+missing+":2")
	if err == nil || !strings.Contains(out, "rolled back") {
		return fmt.Errorf("helm upgrade did not roll back: %w: %s", err, out)
	}
	b.helm, err = st.betweenWrites(helmNamespace, began)
	return err
}

// betweenWrites is the time from the first to the last write of a namespace's only Deployment since
// a time.
func (st *stage) betweenWrites(namespace string, since time.Time) (time.Duration, error) {
	calls, err := st.Calls()
	if err != nil {
		return 0, err
	}
	var writes []time.Time
	for _, c := range calls {
		if c.Namespace == namespace && c.Resource == "deployments" && !c.DryRun && c.Received.After(since) {
			writes = append(writes, c.Completed)
		}
	}
	if len(writes) < 2 {
		return 0, fmt.Errorf("the audit log holds %d writes of the Deployment in namespace %s, and not a deploy and a rollback", len(writes), namespace)
	}
	return writes[len(writes)-1].Sub(writes[0]), nil
}
