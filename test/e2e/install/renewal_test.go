package install

import (
	"bytes"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/harness/load"
	"reprise.dev/reprise/test/harness/product"
)

const (
	selfSigned = "self-signed"
	// secretName is that of the Secret of Reprise's own authority.
	secretName = product.Release + "-certificate"
)

// own are the values of an install whose webhooks are served at a port of this machine with a
// certificate of Reprise's own.
func own(at int) map[string]any {
	return map[string]any{
		"certificates": map[string]any{"mode": selfSigned},
		"webhook":      map[string]any{"url": "https://localhost:" + strconv.Itoa(at)},
	}
}

func secret(t *testing.T) *corev1.Secret {
	t.Helper()
	s := &corev1.Secret{}
	if err := api(t).Get(t.Context(), client.ObjectKey{Namespace: product.Namespace, Name: secretName}, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// changes waits until a key of the Secret holds something else, and returns it.
func changes(t *testing.T, key string, from []byte) []byte {
	t.Helper()
	var now []byte
	product.Eventually(t, func() (bool, string) {
		now = secret(t).Data[key]
		return len(now) > 0 && !bytes.Equal(now, from), key + " has not changed"
	})
	return now
}

func TestCertificatesAreRenewedUnderLoadWithoutOneUncheckedApply(t *testing.T) {
	front := newBalancer(t)
	installed(t, own(front.port))
	flags := []string{"--cert-mode=" + selfSigned, "--cert-lifetime=60s", "--ca-lifetime=180s"}
	for _, name := range []string{"one", "two"} {
		at := port(t)
		i := launched(t, name, at, flags...)
		ready(t, i)
		front.add(at)
	}
	l := load.Start(t, shared)
	l.Handshakes(front.address())
	begun := secret(t).Data
	served := changes(t, "tls.crt", begun["tls.crt"])
	t.Log("the served certificate was renewed")
	authority := changes(t, "ca.crt", begun["ca.crt"])
	t.Log("the authority was replaced")
	if bytes.Equal(served, secret(t).Data["tls.crt"]) {
		t.Error("the new authority has signed nothing")
	}
	s := secret(t)
	s.Data = nil
	product.Eventually(t, func() (bool, string) {
		s.ResourceVersion = ""
		err := api(t).Update(t.Context(), s)
		return err == nil, "the Secret is not emptied"
	})
	changes(t, "ca.crt", authority)
	t.Log("the Secret was emptied, and filled again")
	product.Eventually(t, func() (bool, string) {
		return len(secret(t).Data["former-ca.crt"]) == 0, "the former authority is not forgotten"
	})
	product.Eventually(t, func() (bool, string) {
		return !bytes.Contains(bundle(t), bytes.TrimSpace(authority)), "the API server still trusts the authority that was thrown away"
	})
	l.Flawless()
}

// TestTheLoadSeesWhatIsUnchecked shows that the tests above can fail: without Reprise every apply
// is let through, and noted.
func TestTheLoadSeesWhatIsUnchecked(t *testing.T) {
	at := port(t)
	installed(t, own(at))
	i := launched(t, "alone", at, "--cert-mode="+selfSigned)
	ready(t, i)
	l := load.Start(t, shared)
	i.Kill()
	product.Eventually(t, func() (bool, string) {
		return l.Slipped() >= 5, "too little has slipped through"
	})
	l.End()
	if count := l.FailedOpen(); count < l.Slipped() {
		t.Errorf("the audit log knows of %d unchecked applies, and %d were seen", count, l.Slipped())
	}
}
