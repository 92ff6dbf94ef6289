package policy

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// parametersRoot is the path of all sources' parameters in the data document.
const parametersRoot = "__parameters"

// ownParameters rewrites a module's input.parameters to those of its own source, since all rules
// share one query and one input. Rules that read parameters by any other path see none.
func ownParameters(module *ast.Module, source string) {
	prefix := ast.MustParseRef("input.parameters")
	ast.WalkTerms(module, func(term *ast.Term) bool {
		if ref, isRef := term.Value.(ast.Ref); isRef && ref.HasPrefix(prefix) {
			own := ast.Ref{ast.NewTerm(ast.DefaultRootDocument.Value), ast.StringTerm(parametersRoot), ast.StringTerm(source)}
			for _, part := range own {
				part.Location = ref[0].Location
			}
			term.Value = slices.Concat(own, ref[len(prefix):])
		}
		return false
	})
}

// parameterStore holds the parameters of each source.
func parameterStore(modules []Module) storage.Store {
	bySource := map[string]any{}
	for _, m := range modules {
		bySource[m.source()] = m.Parameters
		if m.Parameters == nil {
			bySource[m.source()] = map[string]any{}
		}
	}
	return inmem.NewFromObjectWithOpts(map[string]any{parametersRoot: bySource}, inmem.OptReturnASTValuesOnRead(true))
}
