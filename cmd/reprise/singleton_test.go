package main

import (
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

// install returns the webhook configuration of a release that was installed some minutes after the
// first one.
func install(release string, minute int) admissionregistrationv1.ValidatingWebhookConfiguration {
	return admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{
		Name:              release,
		Labels:            map[string]string{nameLabel: "reprise", instanceLabel: release},
		Annotations:       map[string]string{releaseNamespace: release + "-system"},
		CreationTimestamp: metav1.NewTime(time.Date(2026, 11, 25, 12, minute, 0, 0, time.UTC)),
	}}
}

func TestOlderInstall(t *testing.T) {
	type configurations = []admissionregistrationv1.ValidatingWebhookConfiguration
	for _, test := range []struct {
		reason string
		all    configurations
		want   string
	}{
		{"no install", nil, ""},
		{"the own install only", configurations{install("reprise", 1)}, ""},
		{"an older one", configurations{install("reprise", 1), install("other", 0)}, "other"},
		{"a younger one", configurations{install("reprise", 0), install("other", 1)}, ""},
		{"the same second, and a name that sorts first", configurations{install("reprise", 0), install("other", 0)}, "other"},
		{"the same second, and a name that sorts last", configurations{install("reprise", 0), install("second", 0)}, ""},
		{"the own configuration does not exist yet", configurations{install("second", 5)}, "second"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			got := ""
			if older := olderInstall(test.all, "reprise"); older != nil {
				got = older.Name
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestProcess_CheckSingleInstall(t *testing.T) {
	own, other := install("reprise", 1), install("other", 0)
	p := process{clients: fake.NewClientset(&own), options: options{certificates: certificateOptions{release: "reprise"}}}
	if err := p.checkSingleInstall(t.Context()); err != nil {
		t.Errorf("alone: %v", err)
	}
	p.clients = fake.NewClientset(&own, &other)
	err := p.checkSingleInstall(t.Context())
	if want := `release other in namespace "other-system"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
