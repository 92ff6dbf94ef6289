package install

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/load"
	"reprise.dev/reprise/test/harness/product"
)

// TestUninstallTakesTheWebhooksAwayFirst installs all that a cluster gets, pods included, and
// removes it again. Helm's own order has the webhook configurations first; that is what the chart
// relies on instead of a hook.
func TestUninstallTakesTheWebhooksAwayFirst(t *testing.T) {
	installed(t, nil)
	c := api(t)
	mustHelm(t, "uninstall", product.Release, "--namespace", product.Namespace)
	deleted := deletedByHelm(t)
	for _, first := range []string{"validatingwebhookconfigurations/reprise", "mutatingwebhookconfigurations/zz-reprise-early"} {
		at, pods := slices.Index(deleted, first), slices.Index(deleted, "deployments/reprise")
		if at < 0 || pods < 0 || at > pods {
			t.Errorf("%s is not deleted before the pods: %s", first, strings.Join(deleted, ", "))
		}
	}
	if err := c.Create(t.Context(), load.Deployment("default", 0, true), client.DryRunAll); err != nil {
		t.Errorf("the cluster does not work after the uninstall: %v", err)
	}
	var left appsv1.DeploymentList
	if err := c.List(t.Context(), &left, client.InNamespace(product.Namespace)); err != nil || len(left.Items) > 0 {
		t.Errorf("%d Deployments are left: %v", len(left.Items), err)
	}
	var history v1alpha1.WorkloadRevisionList
	if err := c.List(t.Context(), &history); err != nil {
		t.Errorf("the CustomResourceDefinition is gone: %v", err)
	}
}

func TestTheHistoryOutlivesTheInstall(t *testing.T) {
	front := newBalancer(t)
	installed(t, own(front.port))
	at := port(t)
	i := launched(t, "first", at, "--cert-mode="+selfSigned)
	ready(t, i)
	front.add(at)
	namespace := deployed(t)
	kept := recorded(t, namespace)
	i.Stop()
	mustHelm(t, "uninstall", product.Release, "--namespace", product.Namespace)
	if now := recorded(t, namespace); now != kept {
		t.Errorf("the Revision is another after the uninstall: %s, was %s", now, kept)
	}
	installed(t, own(front.port))
	again := launched(t, "second", at, "--cert-mode="+selfSigned)
	ready(t, again)
	if now := recorded(t, namespace); now != kept {
		t.Errorf("the Revision is another after a new install: %s, was %s", now, kept)
	}
}

// deployed creates a workload in a namespace of its own, which it returns.
func deployed(t *testing.T) string {
	t.Helper()
	c := api(t)
	namespace := newNamespace(t)
	if err := c.Create(t.Context(), load.Deployment(namespace, 1, false)); err != nil {
		t.Fatal(err)
	}
	return namespace
}

// recorded waits for the one revision in a namespace and returns its UID.
func recorded(t *testing.T, namespace string) string {
	t.Helper()
	c := api(t)
	var list v1alpha1.WorkloadRevisionList
	product.Eventually(t, func() (bool, string) {
		if err := c.List(t.Context(), &list, client.InNamespace(namespace)); err != nil {
			return false, err.Error()
		}
		return len(list.Items) == 1, "there is no Revision"
	})
	return string(list.Items[0].UID)
}

// deletedByHelm are what helm has deleted, in order.
func deletedByHelm(t *testing.T) []string {
	t.Helper()
	file, err := os.Open(shared.AuditLog())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []string
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		var event auditv1.Event
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatal(err)
		}
		if event.Verb == "delete" && strings.HasPrefix(event.UserAgent, "Helm/") && event.ObjectRef != nil {
			all = append(all, event.ObjectRef.Resource+"/"+event.ObjectRef.Name)
		}
	}
}
