package install

import (
	"crypto/tls"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/internal/certificate"
	"reprise.dev/reprise/test/harness/load"
	"reprise.dev/reprise/test/harness/product"
)

// brought is a certificate that someone brings along.
func brought(t *testing.T, from time.Time) certificate.Bundle {
	t.Helper()
	issuer := certificate.Issuer{Lifetime: 24 * time.Hour, CALifetime: 30 * 24 * time.Hour}
	m, err := issuer.Rotate(certificate.Init, certificate.Bundle{}, []string{"localhost"}, nil, from)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// bring writes it where the flags name it.
func bring(t *testing.T, dir string, pair certificate.Pair) []string {
	t.Helper()
	flags := []string{"--cert-mode=existing"}
	for name, content := range map[string][]byte{"tls-cert-file": pair.Certificate, "tls-private-key-file": pair.Key} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		flags = append(flags, "--"+name+"="+path)
	}
	return flags
}

// trusting are the values of an install that brings its certificate along.
func trusting(at int, bundle []byte) map[string]any {
	values := own(at)
	values["certificates"] = map[string]any{"mode": "existing", "caBundle": base64.StdEncoding.EncodeToString(bundle)}
	return values
}

func TestAWrongCABundleIsToldAndMended(t *testing.T) {
	at := port(t)
	right := brought(t, time.Now())
	installed(t, trusting(at, brought(t, time.Now()).CABundle(time.Now())))
	i := launched(t, "wrong-bundle", at, bring(t, t.TempDir(), right.Serving)...)
	message := told(t, "CertificateNotReady", "the caBundle of ValidatingWebhookConfiguration reprise does not contain the CA")
	for _, part := range []string{"admission is not served", "certificates.caBundle"} {
		if !strings.Contains(message, part) {
			t.Errorf("the Event does not say %q: %s", part, message)
		}
	}
	if i.Ready(t.Context()) == nil {
		t.Error("it is ready although the API server does not trust it")
	}
	if err := api(t).Create(t.Context(), load.Deployment("default", 0, true), client.DryRunAll); err != nil {
		t.Errorf("the cluster is blocked: %v", err)
	}
	upgraded(t, trusting(at, right.CABundle(time.Now())))
	ready(t, i)
}

func TestAnExpiredCertificateIsToldAndMended(t *testing.T) {
	at, dir := port(t), t.TempDir()
	expired := brought(t, time.Now().Add(-48*time.Hour))
	installed(t, trusting(at, expired.CABundle(time.Now())))
	i := launched(t, "expired", at, bring(t, dir, expired.Serving)...)
	told(t, "CertificateNotReady", "the serving certificate expired at")
	if i.Ready(t.Context()) == nil {
		t.Error("it is ready with an expired certificate")
	}
	issuer := certificate.Issuer{Lifetime: 24 * time.Hour, CALifetime: 30 * 24 * time.Hour}
	renewed, err := issuer.Rotate(certificate.Renew, expired, []string{"localhost"}, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	bring(t, dir, renewed.Serving)
	ready(t, i)
}

func TestACertificateThatIsNotRenewedInTimeIsToldWhileItServes(t *testing.T) {
	at := port(t)
	ending := brought(t, time.Now().Add(-23*time.Hour))
	installed(t, trusting(at, ending.CABundle(time.Now())))
	i := launched(t, "expiring", at, bring(t, t.TempDir(), ending.Serving)...)
	ready(t, i)
	told(t, "CertificateExpiring", "and was not renewed")
	leaf, err := tls.X509KeyPair(ending.Serving.Certificate, ending.Serving.Key)
	if err != nil {
		t.Fatal(err)
	}
	page, err := get(t, i.Metrics+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	want := strconv.FormatFloat(float64(leaf.Leaf.NotAfter.Unix()), 'g', -1, 64)
	if line := "reprise_certificate_expiry_timestamp_seconds " + want; !strings.Contains(page, line) {
		t.Errorf("the metrics do not hold %q", line)
	}
}

// get reads a page.
func get(t *testing.T, url string) (string, error) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func TestASecretThatIsGoneIsToldWhileAdmissionGoesOn(t *testing.T) {
	at := port(t)
	installed(t, own(at))
	i := launched(t, "no-secret", at, "--cert-mode="+selfSigned)
	ready(t, i)
	if err := api(t).Delete(t.Context(), secret(t)); err != nil {
		t.Fatal(err)
	}
	told(t, "CertificateNotReady", "does not exist: helm upgrade restores it")
	if err := i.Ready(t.Context()); err != nil {
		t.Errorf("it is not ready although it can serve on: %v", err)
	}
	upgraded(t, own(at))
	changes(t, "tls.crt", nil)
	if err := i.Ready(t.Context()); err != nil {
		t.Errorf("it is not ready: %v", err)
	}
}

func TestASecretThatWasSpoiltIsMended(t *testing.T) {
	at := port(t)
	installed(t, own(at))
	i := launched(t, "spoilt", at, "--cert-mode="+selfSigned)
	ready(t, i)
	s := secret(t)
	s.Data["ca.key"], s.Data["tls.crt"] = []byte("x"), []byte("y")
	if err := api(t).Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	changes(t, "tls.crt", []byte("y"))
	if err := i.Ready(t.Context()); err != nil {
		t.Errorf("it is not ready: %v", err)
	}
}

func TestACABundleThatWasOverwrittenIsMended(t *testing.T) {
	at := port(t)
	installed(t, own(at))
	i := launched(t, "overwritten", at, "--cert-mode="+selfSigned)
	ready(t, i)
	product.Eventually(t, func() (bool, string) {
		stored := &admissionregistrationv1.ValidatingWebhookConfiguration{}
		if err := api(t).Get(t.Context(), client.ObjectKey{Name: product.Release}, stored); err != nil {
			return false, err.Error()
		}
		for n := range stored.Webhooks {
			stored.Webhooks[n].ClientConfig.CABundle = brought(t, time.Now()).CABundle(time.Now())
		}
		err := api(t).Update(t.Context(), stored)
		return err == nil, "the caBundle is not overwritten"
	})
	product.Eventually(t, func() (bool, string) {
		return strings.Contains(string(bundle(t)), strings.TrimSpace(string(secret(t).Data["ca.crt"]))), "the caBundle is not mended"
	})
	ready(t, i)
}

func TestCertManagerThatIsMissingIsToldByHelmAndByReprise(t *testing.T) {
	values := map[string]any{"certificates": map[string]any{"mode": "cert-manager"}}
	said, err := runHelm(t, append([]string{"install"}, installArgs(t, product.Release, product.Namespace, values)...)...)
	if want := "this cluster has no cert-manager (API cert-manager.io/v1): install it with its cainjector first"; err == nil || !strings.Contains(said, want) {
		t.Errorf("helm does not say %q: %v\n%s", want, err, said)
	}
	at := port(t)
	installed(t, trusting(at, brought(t, time.Now()).CABundle(time.Now())))
	dir := t.TempDir()
	launched(t, "no-cert-manager", at,
		"--cert-mode=cert-manager", "--tls-cert-file="+dir+"/none.crt", "--tls-private-key-file="+dir+"/none.key")
	told(t, "CertificateNotReady", "cert-manager is not installed")
}

func TestAnUnknownModeIsRefusedByHelm(t *testing.T) {
	values := map[string]any{"certificates": map[string]any{"mode": "guess"}}
	said, err := runHelm(t, append([]string{"install"}, installArgs(t, product.Release, product.Namespace, values)...)...)
	if err == nil || !strings.Contains(said, "self-signed") || !strings.Contains(said, "existing") {
		t.Errorf("helm does not name the modes: %v\n%s", err, said)
	}
}

func TestASecondInstallIsRefusedByHelmAndByReprise(t *testing.T) {
	at := port(t)
	installed(t, own(at))
	said, err := runHelm(t, append([]string{"install"}, installArgs(t, "other", "other-system", own(at))...)...)
	if want := "Reprise is already installed in this cluster, as release reprise in namespace reprise-system"; err == nil || !strings.Contains(said, want) {
		t.Errorf("helm does not say %q: %v\n%s", want, err, said)
	}
	_, err = product.Launch(t.Context(), shared, "second", port(t), "--cert-mode="+selfSigned, "--release=other")
	if want := "another Reprise guards this cluster already: release reprise"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the second does not say %q: %v", want, err)
	}
	// What tools other than helm have applied hinders the first one in nothing.
	younger := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{
		Name: "other", Labels: map[string]string{"app.kubernetes.io/name": "reprise", "app.kubernetes.io/instance": "other"},
	}}
	time.Sleep(1100 * time.Millisecond) // The API server dates objects to the second.
	if err := api(t).Create(t.Context(), younger); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api(t).Delete(t.Context(), younger) })
	ready(t, launched(t, "first", at, "--cert-mode="+selfSigned))
	if err := api(t).Delete(t.Context(), younger); err != nil {
		t.Error(err)
	}
}

func TestConfigurationThatCannotBeReadEndsTheStartWithASentence(t *testing.T) {
	at := port(t)
	installed(t, own(at))
	broken := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(broken, []byte("failurePolicy: Maybe\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/does/not/exist": "no such file or directory", broken: `failurePolicy: Unsupported value: "Maybe"`} {
		_, err := product.Launch(t.Context(), shared, "unreadable", at, "--cert-mode="+selfSigned, "--config="+path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("it does not say %q and name %s: %v", want, path, err)
		}
	}
}

func TestAMissingDefinitionEndsTheStartWithASentence(t *testing.T) {
	at := port(t)
	installed(t, own(at))
	definition := &unstructured.Unstructured{}
	definition.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	definition.SetName("workloadrevisions.reprise.dev")
	c := api(t)
	if err := c.Delete(t.Context(), definition); err != nil {
		t.Fatal(err)
	}
	product.Eventually(t, func() (bool, string) {
		err := c.Get(t.Context(), client.ObjectKeyFromObject(definition), definition.DeepCopy())
		return apierrors.IsNotFound(err), "the definition is not gone"
	})
	_, err := product.Launch(t.Context(), shared, "no-definition", at, "--cert-mode="+selfSigned)
	if want := "the CustomResourceDefinition workloadrevisions.reprise.dev is not installed"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("it does not say %q: %v", want, err)
	}
	if err := c.Create(t.Context(), load.Deployment("default", 0, true), client.DryRunAll); err != nil {
		t.Errorf("the cluster is blocked: %v", err)
	}
	upgraded(t, own(at))
	ready(t, launched(t, "definition-back", at, "--cert-mode="+selfSigned))
}

// TestANamespaceInDeletionHindersNoOther leaves one in it for ever, since nothing in this cluster
// ends a deletion.
func TestANamespaceInDeletionHindersNoOther(t *testing.T) {
	at := port(t)
	installed(t, own(at))
	i := launched(t, "deletion", at, "--cert-mode="+selfSigned)
	ready(t, i)
	c := api(t)
	ending := deployed(t)
	recorded(t, ending)
	namespace := &unstructured.Unstructured{}
	namespace.SetGroupVersionKind(metav1.SchemeGroupVersion.WithKind("Namespace"))
	namespace.SetAPIVersion("v1")
	namespace.SetName(ending)
	if err := c.Delete(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	changed := load.Deployment(ending, 1, false)
	changed.Spec.Template.Spec.Containers[0].Image = "registry.example/load:2.0.0"
	if err := c.Update(t.Context(), changed); err != nil {
		t.Errorf("a workload in a namespace in deletion cannot be changed: %v", err)
	}
	for range 3 {
		recorded(t, deployed(t))
	}
	if err := i.Ready(t.Context()); err != nil {
		t.Errorf("it is not ready: %v", err)
	}
	logs, err := i.Logs()
	if err != nil {
		t.Fatal(err)
	}
	if count := strings.Count(logs, "because it is being terminated"); count > 10 {
		t.Errorf("it says %d times that the namespace is being terminated", count)
	}
}
