package certificate_test

import (
	"strings"
	"testing"
	"time"

	"reprise.dev/reprise/internal/certificate"
)

const (
	host  = "reprise.reprise-system.svc"
	where = "ValidatingWebhookConfiguration reprise"
)

var (
	issuer = certificate.Issuer{Lifetime: 7 * 24 * time.Hour, CALifetime: 35 * 24 * time.Hour}
	start  = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
)

// begun is what an authority of Reprise's own starts with.
func begun(t *testing.T, at time.Time) certificate.Bundle {
	t.Helper()
	m, err := issuer.Rotate(certificate.Init, certificate.Bundle{}, []string{host}, nil, at)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestVerify(t *testing.T) {
	ours, others := begun(t, start), begun(t, start)
	bundle := ours.CABundle(start)
	hook := func(host string, bundle []byte) []certificate.Webhook {
		return []certificate.Webhook{{Configuration: where, Host: host, CABundle: bundle}}
	}
	expiry := start.Add(issuer.Lifetime)
	tests := map[string]struct {
		pair   certificate.Pair
		hooks  []certificate.Webhook
		now    time.Time
		want   certificate.State
		reason string
	}{
		"trusted":                     {ours.Serving, hook(host, bundle), start, certificate.Valid, ""},
		"trusted among others":        {ours.Serving, hook(host, append(others.CABundle(start), bundle...)), start, certificate.Valid, ""},
		"nobody asks for it":          {ours.Serving, nil, start, certificate.Valid, ""},
		"none":                        {certificate.Pair{}, hook(host, bundle), start, certificate.Invalid, "there is no serving certificate yet"},
		"no PEM":                      {certificate.Pair{Certificate: []byte("x"), Key: []byte("y")}, nil, start, certificate.Invalid, "is invalid: failed to find any PEM data"},
		"another's key":               {certificate.Pair{Certificate: ours.Serving.Certificate, Key: others.Serving.Key}, nil, start, certificate.Invalid, "private key does not match public key"},
		"expired":                     {ours.Serving, hook(host, bundle), expiry.Add(time.Second), certificate.Invalid, "expired at 2026-12-02T12:00:00Z"},
		"not valid yet":               {ours.Serving, hook(host, bundle), start.Add(-2 * time.Hour), certificate.Invalid, "check the clocks of the nodes"},
		"for another name":            {ours.Serving, hook("x.reprise-system.svc", bundle), start, certificate.Invalid, "is for " + host + ", but " + where + " calls the host x.reprise-system.svc"},
		"no caBundle":                 {ours.Serving, hook(host, nil), start, certificate.Invalid, where + " has no caBundle"},
		"a caBundle without PEM":      {ours.Serving, hook(host, []byte("Zm9v")), start, certificate.Invalid, "the caBundle of " + where + " contains no valid certificate"},
		"another's caBundle":          {ours.Serving, hook(host, others.CABundle(start)), start, certificate.Invalid, "the caBundle of " + where + " does not contain the CA"},
		"renewal not yet due":         {ours.Serving, hook(host, bundle), expiry.Add(-issuer.Lifetime / 3), certificate.Valid, ""},
		"renewal overdue":             {ours.Serving, hook(host, bundle), expiry.Add(-issuer.Lifetime / 7), certificate.Expiring, "expires at 2026-12-02T12:00:00Z and was not renewed"},
		"one of two hooks is trusted": {ours.Serving, append(hook(host, bundle), hook(host, nil)...), start, certificate.Invalid, "has no caBundle"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := certificate.Verify(tt.pair, tt.hooks, tt.now)
			if got.State != tt.want || !strings.Contains(got.Reason, tt.reason) || (tt.reason == "") != (got.Reason == "") {
				t.Errorf("state %d, reason %q; want %d, %q", got.State, got.Reason, tt.want, tt.reason)
			}
		})
	}
}

func TestServing_ProposeWaitsForTrust(t *testing.T) {
	former, renewed := begun(t, start), begun(t, start)
	hooks := func(bundle []byte) []certificate.Webhook {
		return []certificate.Webhook{{Configuration: where, Host: host, CABundle: bundle}}
	}
	var s certificate.Serving
	if _, waiting := s.Propose(former.Serving, hooks(former.CABundle(start)), start); waiting != "" || s.Ready(nil) != nil {
		t.Fatalf("the first waits: %q, ready: %v", waiting, s.Ready(nil))
	}
	v, waiting := s.Propose(renewed.Serving, hooks(former.CABundle(start)), start)
	if !v.Serves() || !strings.Contains(waiting, "does not contain the CA") || string(s.Served().Certificate) != string(former.Serving.Certificate) {
		t.Errorf("the renewed one is served although untrusted, or without a word: %q", waiting)
	}
	if _, waiting := s.Propose(renewed.Serving, hooks(renewed.CABundle(start)), start); waiting != "" || string(s.Served().Certificate) != string(renewed.Serving.Certificate) {
		t.Errorf("the renewed one is not served when trusted: %q", waiting)
	}
	late := start.Add(2 * issuer.Lifetime)
	if v, _ := s.Propose(renewed.Serving, hooks(renewed.CABundle(start)), late); v.Serves() || s.Ready(nil) == nil {
		t.Error("it is ready with an expired certificate")
	}
}
