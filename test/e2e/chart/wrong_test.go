package chart

import (
	"strings"
	"testing"
)

func TestWrongValuesFailTheInstallWithASentence(t *testing.T) {
	for _, test := range []struct{ reason, set, says string }{
		{"a key that is misspelt", "replicas=3", "at '': additional properties 'replicas' not allowed"},
		{"one that lies deeper", "defaults.bakeTim=3s", "at '/defaults': additional properties 'bakeTim' not allowed"},
		{"no replica", "replicaCount=0", "at '/replicaCount': minimum: got 0, want 1"},
		{"a text for a number", "replicaCount=two", "at '/replicaCount': got string, want integer"},
		{"a failure policy that the API server does not know", "webhook.failurePolicy=ignore", "at '/webhook/failurePolicy': value must be one of 'Ignore', 'Fail'"},
		{"a wait that the API server refuses", "webhook.timeoutSeconds=31", "at '/webhook/timeoutSeconds': maximum: got 31, want 30"},
		{"webhooks are served by TLS only", "webhook.url=http://127.0.0.1:9443", "at '/webhook/url': 'http://127.0.0.1:9443' does not match pattern"},
		{"a tag that YAML takes for a number", "image.tag=12", "at '/image/tag': got number, want string"},
		{"no duration", "defaults.bakeTime=soon", "at '/defaults/bakeTime': 'soon' does not match pattern"},
		{"a duration without its unit", "defaults.bakeTime=30", "at '/defaults/bakeTime': got number, want string"},
		{"a negative duration", "history.retainDeleted=-1h", "at '/history/retainDeleted': '-1h' does not match pattern"},
		{"nothing to go back to", "defaults.historyLimit=1", "at '/defaults/historyLimit': minimum: got 1, want 2"},
		{"a mode that there is not", "defaults.rollback=yes", "at '/defaults/rollback': value must be one of 'auto', 'manual', 'off'"},
		{"an enforcement that there is not", "policies.overrides[0].policy=a,policies.overrides[0].enforcement=block", "at '/policies/overrides/0/enforcement': value must be one of 'deny', 'warn', 'dryrun', 'off'"},
		{"an override of nothing", "policies.overrides[0].enforcement=deny", "at '/policies/overrides/0': missing property 'policy'"},
		{"an exemption for ever", "policies.exemptions[0].policy=a,policies.exemptions[0].namespace=b,policies.exemptions[0].reason=c", "at '/policies/exemptions/0': missing property 'expires'"},
		{"a day in another order", "policies.exemptions[0].policy=a,policies.exemptions[0].namespace=b,policies.exemptions[0].reason=c,policies.exemptions[0].expires=31.01.2027", "at '/policies/exemptions/0/expires': '31.01.2027' does not match pattern"},
		{"a certificate of no known origin", "certificates.mode=selfsigned", "at '/certificates/mode': value must be one of 'self-signed', 'cert-manager', 'existing'"},
		{"a lifetime in days, which Go does not know", "certificates.lifetime=7d", "at '/certificates/lifetime': '7d' does not match pattern"},
		{"an authority that ends before what it signs", "certificates.mode=self-signed,certificates.caLifetime=200h", "certificates.caLifetime is 200h and certificates.lifetime 168h: expected caLifetime to be at least three times as long"},
		{"an authority that is not encoded", "certificates.caBundle=Zm9v", "certificates.caBundle is not a PEM in base64"},
		{"no certificate is named", "certificates.secretName=", "certificates.secretName is required with certificates.mode=existing"},
		{"no authority is named", "certificates.caBundle=", "certificates.caBundle is required with certificates.mode=existing"},
		{"cert-manager is not there", "certificates.mode=cert-manager", "this cluster has no cert-manager"},
		{"no port", "networkPolicy.apiServerPorts={0}", "at '/networkPolicy/apiServerPorts/0': minimum: got 0, want 1"},
		{"a label that is no text", "metrics.rules.labels.a=1", "at '/metrics/rules/labels/a': got number, want string"},
		{"two overrides of one policy", "policies.overrides[0].policy=a,policies.overrides[1].policy=a", "policies.overrides[1].policy is a, which is overridden twice"},
		{"its own namespace is protected", "protectedNamespaces={" + namespace + "}", "the release's namespace is " + namespace + ", which protectedNamespaces lists"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			_, errs, ok := helm(t, "install", release, folder, "-n", namespace, "--dry-run=client", "-f", "testdata/values/existing.yaml", "--set", test.set)
			if ok || !strings.Contains(errs, test.says) {
				t.Errorf("--set %s: installed is %t, it says\n%s\nwant %q", test.set, ok, errs, test.says)
			}
		})
	}
}

func TestAWrongPlaceFailsTheInstallWithASentence(t *testing.T) {
	for reason, test := range map[string]struct {
		args []string
		says string
	}{
		"the namespace was forgotten": {nil, "the release's namespace is default, and Reprise never guards its own namespace"},
		"the cluster is too old":      {[]string{"-n", namespace, "--kube-version", "1.31.9"}, "chart requires kubeVersion: >=1.32.0-0 which is incompatible with Kubernetes v1.31.9"},
	} {
		t.Run(reason, func(t *testing.T) {
			_, errs, ok := helm(t, append([]string{"template", release, folder, "-f", "testdata/values/existing.yaml"}, test.args...)...)
			if ok || !strings.Contains(errs, test.says) {
				t.Errorf("it is rendered: %t, it says\n%s\nwant %q", ok, errs, test.says)
			}
		})
	}
}
