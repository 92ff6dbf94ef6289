package policy

import "testing"

// TestRequest_IsThatOfAdmission has a rule read the fields that a review of the API server has.
func TestRequest_IsThatOfAdmission(t *testing.T) {
	engine := engineOf(t, Module{File: "own/p.rego", Source: "own", Rego: `package p
deny contains "seen" if {
	input.request.kind == {"group": "apps", "version": "v1", "kind": "Deployment"}
	input.review.resource.resource == "deployments"
	input.request.requestKind.kind == input.request.kind.kind
	input.request.dryRun == false
	not input.request.userInfo.username
}
warn contains input.request.operation`})
	object := map[string]any{"metadata": map[string]any{"name": "cart"}}
	for want, old := range map[string]map[string]any{"CREATE": nil, "UPDATE": object} {
		verdict := engine.Evaluate(t.Context(), Input{Phase: Final, Request: Request("shop", "cart", object, old)})
		if len(verdict.Violations) != 1 || len(verdict.Warnings) != 1 || verdict.Warnings[0].Message != want {
			t.Errorf("%s: %+v", want, verdict)
		}
	}
}
