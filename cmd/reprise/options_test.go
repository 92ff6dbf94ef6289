package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestParse(t *testing.T) {
	required := []string{"--namespace=n", "--tls-cert-file=a/tls.crt", "--tls-private-key-file=a/tls.key"}
	selfSigned := []string{"--namespace=n", "--cert-mode=self-signed"}
	for _, test := range []struct {
		reason string
		args   []string
		want   string
	}{
		{"files of a certificate", required, ""},
		{"a self-signed certificate", selfSigned, ""},
		{"the version needs nothing else", []string{"--version"}, ""},
		{"text for a terminal", append(required, "--log-format=text"), ""},
		{"profiles on loopback", append(required, "--pprof-bind-address=[::1]:6060"), ""},
		{"an argument", append(required, "serve"), `unexpected argument "serve"`},
		{"an unknown flag", append(required, "--nope"), "unknown flag: --nope"},
		{"no namespace", required[1:], "--namespace is required"},
		{"an unknown format", append(required, "--log-format=xml"), `--log-format is "xml": expected json or text`},
		{"negative memory", append(required, "--memory-limit=-1"), "--memory-limit is -1"},
		{"public profiles", append(required, "--pprof-bind-address=:6060"), "--pprof-bind-address must be on loopback"},
		{"no port", append(required, "--webhook-bind-address=localhost"), "--webhook-bind-address: "},
		{"a named port", append(required, "--webhook-bind-address=:https"), `port "https" is not a number`},
		{"port 0", append(required, "--webhook-bind-address=:0"), `port "0" is not a number of at least 1`},
		{"an unknown mode", append(required, "--cert-mode=guess"), `--cert-mode is "guess"`},
		{"no release", append(required, "--release="), "--release is empty"},
		{"self-signed with files", append(required, "--cert-mode=self-signed"), "cannot be combined with --cert-mode=self-signed"},
		{"no certificate", []string{"--namespace=n"}, "are required unless --cert-mode=self-signed"},
		{"two directories", append(required, "--tls-private-key-file=b/tls.key"), "must be in the directory of --tls-cert-file"},
		{"a CA that expires too early", append(selfSigned, "--cert-lifetime=1h", "--ca-lifetime=2h"), "--ca-lifetime is 2h0m0s and --cert-lifetime 1h0m0s"},
		{"no lifetime", append(selfSigned, "--cert-lifetime=0"), "--cert-lifetime 0s"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			_, err := parse(test.args)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if _, err := parse([]string{"--help"}); !errors.Is(err, pflag.ErrHelp) {
		t.Errorf("--help is %v", err)
	}
}

func TestParse_SplitsTheAddress(t *testing.T) {
	o, err := parse([]string{"--namespace=n", "--cert-mode=self-signed", "--webhook-bind-address=127.0.0.1:9444", "--shutdown-delay=3s"})
	if err != nil {
		t.Fatal(err)
	}
	if o.webhookHost != "127.0.0.1" || o.webhookPort != 9444 || o.shutdownDelay != 3*time.Second {
		t.Errorf("got host %q, port %d, delay %s", o.webhookHost, o.webhookPort, o.shutdownDelay)
	}
}

func TestCheckLoopback(t *testing.T) {
	for address, allowed := range map[string]bool{
		"127.0.0.1:6060": true, "[::1]:6060": true, "localhost:6060": true,
		":6060": false, "0.0.0.0:6060": false, "10.1.2.3:6060": false, "example.org:6060": false, "6060": false,
	} {
		if err := checkLoopback(address); (err == nil) != allowed {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestCertificateOptions_PropagationDelay(t *testing.T) {
	got := map[string]time.Duration{}
	for _, mode := range []string{selfSigned, certManager, existing} {
		o := certificateOptions{mode: mode, lifetime: 20 * time.Minute, caLifetime: time.Hour}
		got[mode] = o.propagationDelay()
	}
	want := map[string]time.Duration{selfSigned: time.Minute, certManager: filesPropagationDelay, existing: filesPropagationDelay}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// TestCertificateCache: the chart's Roles name these objects, so the cache must select them by
// name.
func TestCertificateCache(t *testing.T) {
	o := options{namespace: "n", certificates: certificateOptions{release: "blue"}}
	got := map[string]string{}
	for object, selection := range certificateCache(o, map[client.Object]cache.ByObject{&corev1.Pod{}: {}}) {
		name := fmt.Sprintf("%T", object)
		got[name] = ""
		if selection.Field != nil {
			got[name] = selection.Field.String()
		}
		for namespace, in := range selection.Namespaces {
			got[name] = namespace + ": " + in.FieldSelector.String()
		}
	}
	want := map[string]string{
		"*v1.Pod":                            "",
		"*v1.Secret":                         "n: metadata.name=blue-certificate",
		"*v1.ValidatingWebhookConfiguration": "metadata.name=blue",
		"*v1.MutatingWebhookConfiguration":   "metadata.name=zz-blue-early",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
