package policy_test

import (
	"context"
	"fmt"

	"reprise.dev/reprise/policy"
)

// owned is a policy as a ConfigMap holds it.
const owned = `package team

deny contains {"msg": "no owner", "field": "metadata.labels[owner]", "fix": "set the label owner"} if {
	not input.metadata.labels.owner
}
`

// ExampleEngine_Evaluate judges a Deployment by a custom policy.
func ExampleEngine_Evaluate() {
	ctx := context.Background()
	source, err := policy.ParseSource("ours", map[string]string{"team.rego": owned})
	if err != nil {
		fmt.Println(err)
		return
	}
	engine, err := policy.New(ctx, source.Modules, policy.DefaultLimits(), policy.Overrides{})
	if err != nil {
		fmt.Println(err)
		return
	}
	verdict := engine.Evaluate(ctx, policy.Input{Phase: policy.Final, Request: map[string]any{
		"object": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "cart"}},
	}})
	fmt.Println(verdict.Decision)
	for _, violation := range verdict.Violations {
		fmt.Println(violation.Line())
	}
	// Output:
	// deny
	// labels.owner: no owner; set the label owner
}
