// Package attack plays on a real API server the attacks of docs/threat-model.md: by tenants who may
// edit one namespace, by strangers without a credential, and with a token of Reprise's own.
package attack

import (
	"os"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// shared serves all tests of the package; each works in namespaces of its own.
var shared *cluster.Cluster

func TestMain(m *testing.M) {
	os.Exit(cluster.Serve(m, cluster.Options{}, func(c *cluster.Cluster) { shared = c }))
}

// running is the one instance of Reprise that the tests of the package share. What it cannot
// evaluate is let in, as by default: each attack must fail all the same. The API server waits long,
// since a busy machine must not let anything in by the time that it takes (ADR 7).
var running = sync.OnceValues(func() (*product.Instance, error) {
	return product.Serve(shared, map[string]any{"webhook": map[string]any{"failurePolicy": "Ignore", "timeoutSeconds": 30}}, shared.InstallGatewayCRDs)
})

// tenant is somebody who may edit one namespace.
type tenant struct {
	product.Place
	// API has the tenant's own rights.
	API client.Client
	// Config is how the tenant calls the API server.
	Config *rest.Config
	user   string
}

// kubectl has the tenant run kubectl, with stdin, and returns all that it prints.
func (p tenant) kubectl(stdin string, args ...string) (string, error) {
	return p.TryKubectl([]byte(stdin), append([]string{"--as=" + p.user}, args...)...)
}

// apply has the tenant apply manifests, and fails the test where that fails.
func (p tenant) apply(manifests string) {
	p.Helper()
	if said, err := p.kubectl(manifests, "apply", "-f", "-"); err != nil {
		p.Fatalf("%v\n%s", err, said)
	}
}

// newTenant makes a namespace, and who may edit it.
func newTenant(t *testing.T, annotations map[string]string) tenant {
	t.Helper()
	p := product.NewPlace(t, running, annotations)
	user := "tenant-of-" + p.Namespace
	p.Create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "tenant"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})
	config := shared.RESTConfig()
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	config.WarningHandler = p.Warnings
	api, err := client.New(config, client.Options{Scheme: p.API.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	product.Eventually(t, func() (bool, string) { // The API server learns of the binding by its cache.
		err := api.List(t.Context(), &corev1.ConfigMapList{}, client.InNamespace(p.Namespace))
		return err == nil, "the tenant's rights are not in force"
	})
	return tenant{Place: p, API: api, Config: config, user: user}
}
