package admission

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/test/harness/product"
)

// counter is a webhook that allows everything and counts what it is asked about the test's own
// writes, by path. The deployment controller's writes pass the hooks too.
type counter struct {
	mu    sync.Mutex
	calls map[string]int
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil || review.Request == nil {
		http.Error(w, "no review", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	if review.Request.UserInfo.Username == "admin" {
		c.calls[r.URL.Path]++
	}
	c.mu.Unlock()
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	_ = json.NewEncoder(w).Encode(review) // the API server reports a broken answer
}

// take returns the counts and starts again at zero.
func (c *counter) take() (mutating, validating int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	mutating, validating = c.calls["/mutating"], c.calls["/validating"]
	c.calls = map[string]int{}
	return mutating, validating
}

// startCounter registers a counter for Deployments of one namespace, in both admission phases.
func startCounter(t *testing.T, client kubernetes.Interface, namespace string) *counter {
	t.Helper()
	cert, err := shared.ServingCertificate("hook-order")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(cert.CertFile, cert.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{calls: map[string]int{}}
	server := &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	register(t, client, namespace, listener.Addr(), shared.CA())
	return c
}

func register(t *testing.T, client kubernetes.Interface, namespace string, address net.Addr, ca []byte) {
	t.Helper()
	registrations := client.AdmissionregistrationV1()
	none, fail := admissionregistrationv1.SideEffectClassNone, admissionregistrationv1.Fail
	where := func(path string) admissionregistrationv1.WebhookClientConfig {
		url := "https://" + address.String() + path
		return admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: ca}
	}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}}
	rules := []admissionregistrationv1.RuleWithOperations{{
		Operations: []admissionregistrationv1.OperationType{"CREATE", "UPDATE"},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{"apps"}, APIVersions: []string{"v1"}, Resources: []string{"deployments"}},
	}}
	meta := metav1.ObjectMeta{Name: namespace}
	_, err := registrations.MutatingWebhookConfigurations().Create(t.Context(), &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: meta,
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: "mutating.test.reprise.dev", ClientConfig: where("/mutating"), Rules: rules, NamespaceSelector: selector,
			SideEffects: &none, FailurePolicy: &fail, AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = registrations.ValidatingWebhookConfigurations().Create(t.Context(), &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: meta,
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "validating.test.reprise.dev", ClientConfig: where("/validating"), Rules: rules, NamespaceSelector: selector,
			SideEffects: &none, FailurePolicy: &fail, AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended := context.WithoutCancel(t.Context()) // At cleanup the test's own has ended.
		_ = registrations.MutatingWebhookConfigurations().Delete(ended, namespace, metav1.DeleteOptions{})
		_ = registrations.ValidatingWebhookConfigurations().Delete(ended, namespace, metav1.DeleteOptions{})
	})
}

// deployment has one container with the given memory request and a limit of 200Mi.
func deployment(name, request string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "app", Image: "registry.example.com/app:1.0.0",
					Resources: corev1.ResourceRequirements{
						Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(request)},
						Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("200Mi")},
					},
				}}},
			},
		},
	}
}

// TestRequestOverLimitIsRefusedBetweenTheAdmissionPhases proves why Reprise registers an early
// check: the built-in validation runs after the mutating webhooks and before the validating ones
// (apiserver/pkg/registry/generic/registry/store.go), so a validating webhook never sees such an
// object.
func TestRequestOverLimitIsRefusedBetweenTheAdmissionPhases(t *testing.T) {
	client, err := kubernetes.NewForConfig(shared.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	spec := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "hook-order-"}}
	namespace, err := client.CoreV1().Namespaces().Create(t.Context(), spec, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	deployments := client.AppsV1().Deployments(namespace.Name)
	hooks := startCounter(t, client, namespace.Name)
	awaitRegistration(t, client, namespace.Name, hooks)

	writes := map[string]func(name, request string) error{
		"create": func(name, request string) error {
			_, err := deployments.Create(t.Context(), deployment(name+"-new", request), metav1.CreateOptions{})
			return err
		},
		"update": func(name, request string) error {
			_, err := deployments.Update(t.Context(), deployment(name, request), metav1.UpdateOptions{})
			return err
		},
		"strategic merge patch, as kubectl apply sends": func(name, request string) error {
			patch := `{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"requests":{"memory":"` + request + `"}}}]}}}}`
			_, err := deployments.Patch(t.Context(), name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
			return err
		},
		"server-side apply that creates": func(name, request string) error {
			return serverSideApply(t, client, namespace.Name, name+"-new", request)
		},
		"server-side apply that updates": func(name, request string) error {
			return serverSideApply(t, client, namespace.Name, name, request)
		},
	}
	for how, write := range writes {
		t.Run(how, func(t *testing.T) {
			name := "app-" + strings.ToLower(strings.NewReplacer(" ", "-", ",", "").Replace(how))
			if _, err := deployments.Create(t.Context(), deployment(name, "100Mi"), metav1.CreateOptions{FieldManager: "test"}); err != nil {
				t.Fatal(err)
			}
			hooks.take()

			err := write(name, "250Mi")
			// More than once only when a controller's write comes between and the API server tries again.
			if mutating, validating := hooks.take(); mutating == 0 || validating != 0 {
				t.Errorf("request over limit: %d mutating and %d validating calls, want 1 and 0", mutating, validating)
			}
			if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "must be less than or equal to memory limit of 200Mi") {
				t.Errorf("request over limit: %v, want the API server's own 422", err)
			}
			if err := write(name, "150Mi"); err != nil {
				t.Fatal(err)
			}
			if mutating, validating := hooks.take(); mutating == 0 || validating == 0 {
				t.Errorf("request under limit: %d mutating and %d validating calls, want 1 and 1", mutating, validating)
			}
		})
	}
}

func serverSideApply(t *testing.T, client kubernetes.Interface, namespace, name, request string) error {
	t.Helper()
	data, err := yaml.Marshal(deployment(name, request))
	if err != nil {
		t.Fatal(err)
	}
	force := true
	_, err = client.AppsV1().Deployments(namespace).Patch(t.Context(), name, types.ApplyYAMLPatchType, data,
		metav1.PatchOptions{FieldManager: "test", Force: &force})
	return err
}

// awaitRegistration returns when the API server calls both hooks, which it begins to do some time
// after their configurations are stored.
func awaitRegistration(t *testing.T, client kubernetes.Interface, namespace string, hooks *counter) {
	t.Helper()
	dryRun := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	product.Eventually(t, func() (bool, string) {
		if _, err := client.AppsV1().Deployments(namespace).Create(t.Context(), deployment("probe", "100Mi"), dryRun); err != nil {
			t.Fatal(err)
		}
		mutating, validating := hooks.take()
		return mutating == 1 && validating == 1, "the API server does not call the hooks"
	})
}
