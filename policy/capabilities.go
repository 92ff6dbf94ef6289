package policy

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// capabilities returns what policies may use: OPA's builtins, ours, and none that reads the
// network, the environment, the clock or random numbers. A verdict thus depends on the input alone.
func capabilities() *ast.Capabilities {
	limitBuiltins()
	caps := ast.CapabilitiesForThisVersion()
	caps.Builtins = slices.DeleteFunc(caps.Builtins, forbidden)
	caps.Builtins = append(caps.Builtins, QuantityCompare)
	caps.AllowNet = []string{}
	return caps
}

func forbidden(builtin *ast.Builtin) bool {
	_, slow := withheld[builtin.Name]
	return slow || builtin.Nondeterministic ||
		strings.HasPrefix(builtin.Name, "net.") ||
		builtin.Name == ast.HTTPSend.Name ||
		builtin.Name == ast.OPARuntime.Name ||
		builtin.Name == ast.RegoParseModule.Name
}
