package attack

import (
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/harness/product"
)

// stolen is a client with Reprise's own name, and with more rights than its role gives it: its
// policies must hold by themselves.
func stolen(p product.Place) client.Client {
	p.Helper()
	config := shared.RESTConfig()
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + product.Namespace + ":reprise", Groups: []string{"system:masters"},
	}
	api, err := client.New(config, client.Options{Scheme: p.API.Scheme()})
	if err != nil {
		p.Fatal(err)
	}
	return api
}

// TestAStolenTokenChangesOnlyTheCABundleOfWebhooks tries to take the cluster by the webhook
// configurations, which Reprise may update to renew its certificate.
func TestAStolenTokenChangesOnlyTheCABundleOfWebhooks(t *testing.T) {
	t.Parallel()
	p := product.NewPlace(t, running, nil)
	api := stolen(p)
	everything := []admissionregistrationv1.RuleWithOperations{{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.OperationAll},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{"*"}, APIVersions: []string{"*"}, Resources: []string{"*/*"}},
	}}
	url, exact, short := "https://attacker.example/", admissionregistrationv1.Exact, int32(1)
	changes := map[string]func(*admissionregistrationv1.ValidatingWebhook){
		"the rules": func(w *admissionregistrationv1.ValidatingWebhook) { w.Rules = everything },
		"the URL": func(w *admissionregistrationv1.ValidatingWebhook) {
			w.ClientConfig.Service, w.ClientConfig.URL = nil, &url
		},
		"the failure policy": func(w *admissionregistrationv1.ValidatingWebhook) {
			w.FailurePolicy = new(admissionregistrationv1.Fail)
		},
		"the match conditions":   func(w *admissionregistrationv1.ValidatingWebhook) { w.MatchConditions = nil },
		"the namespace selector": func(w *admissionregistrationv1.ValidatingWebhook) { w.NamespaceSelector = nil },
		"the match policy":       func(w *admissionregistrationv1.ValidatingWebhook) { w.MatchPolicy = &exact },
		"the timeout":            func(w *admissionregistrationv1.ValidatingWebhook) { w.TimeoutSeconds = &short },
		"the name":               func(w *admissionregistrationv1.ValidatingWebhook) { w.Name = "other.reprise.dev" },
	}
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "Reprise changes only the caBundle") {
			t.Errorf("%s: %v, want a refusal", what, err)
		}
	}
	live := func() *admissionregistrationv1.ValidatingWebhookConfiguration {
		t.Helper()
		configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{}
		if err := p.API.Get(t.Context(), client.ObjectKey{Name: "reprise"}, configuration); err != nil {
			t.Fatal(err)
		}
		return configuration
	}
	product.Eventually(t, func() (bool, string) { // The API server learns of a policy by its cache.
		err := api.Delete(t.Context(), live(), client.DryRunAll)
		return err != nil, "the policy is not in force"
	})
	for what, change := range changes {
		configuration := live()
		change(&configuration.Webhooks[0])
		refused(what, api.Update(t.Context(), configuration, client.DryRunAll))
	}
	configuration := live()
	configuration.Webhooks = append(configuration.Webhooks, configuration.Webhooks[0])
	configuration.Webhooks[len(configuration.Webhooks)-1].Name = "more.reprise.dev"
	refused("another webhook", api.Update(t.Context(), configuration, client.DryRunAll))
	configuration = live()
	configuration.Labels["app"] = "x"
	refused("a label", api.Update(t.Context(), configuration, client.DryRunAll))
	refused("a deletion", api.Delete(t.Context(), live(), client.DryRunAll))
	foreign := live()
	foreign.Name, foreign.UID, foreign.ResourceVersion = "another", "", ""
	refused("another configuration", api.Create(t.Context(), foreign, client.DryRunAll))

	mutating := &admissionregistrationv1.MutatingWebhookConfiguration{}
	if err := p.API.Get(t.Context(), client.ObjectKey{Name: "zz-reprise-early"}, mutating); err != nil {
		t.Fatal(err)
	}
	mutating.Webhooks[0].ReinvocationPolicy = new(admissionregistrationv1.IfNeededReinvocationPolicy)
	refused("when a mutating webhook is called again", api.Update(t.Context(), mutating, client.DryRunAll))

	configuration = live()
	for i := range configuration.Webhooks {
		configuration.Webhooks[i].ClientConfig.CABundle = append(configuration.Webhooks[i].ClientConfig.CABundle, '\n')
	}
	if err := api.Update(t.Context(), configuration, client.DryRunAll); err != nil {
		t.Errorf("the caBundle: %v", err)
	}
}
