package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// New compiles modules in strict mode. The error says which file does not
// compile, where, and why.
func New(ctx context.Context, modules []Module, limits Limits) (*Engine, error) {
	parsed, policies, err := loadAll(modules)
	if err != nil {
		return nil, err
	}
	compiler := newCompiler()
	if compiler.Compile(parsed); compiler.Failed() {
		return nil, fmt.Errorf("compiling policies: %w", compiler.Errors)
	}
	engine := &Engine{limits: limits}
	if engine.final, err = prepare(ctx, compiler, policies); err != nil {
		return nil, err
	}
	early := slices.DeleteFunc(slices.Clone(policies), func(p *loaded) bool { return !p.rule.Early })
	if engine.early, err = prepare(ctx, compiler, early); err != nil {
		return nil, err
	}
	return engine, nil
}

func newCompiler() *ast.Compiler {
	return ast.NewCompiler().WithStrict(true).WithCapabilities(capabilities())
}

// loadAll parses the modules; its policies are those that enforce something, by name.
func loadAll(modules []Module) (map[string]*ast.Module, []*loaded, error) {
	parsed := make(map[string]*ast.Module, len(modules))
	names := map[string]string{}
	var policies []*loaded
	for _, module := range modules {
		if _, exists := parsed[module.File]; exists {
			return nil, nil, fmt.Errorf("loading policies: there are two files %s", module.File)
		}
		tree, policy, err := load(module)
		if err != nil {
			return nil, nil, err
		}
		parsed[module.File] = tree
		if policy == nil {
			continue
		}
		if other, taken := names[policy.rule.Name]; taken {
			return nil, nil, fmt.Errorf("loading policies: %s and %s both define rule %s", other, module.File, policy.rule.Name)
		}
		names[policy.rule.Name] = module.File
		if policy.rule.Enforcement != EnforceOff {
			policies = append(policies, policy)
		}
	}
	slices.SortFunc(policies, func(a, b *loaded) int { return strings.Compare(a.rule.Name, b.rule.Name) })
	return parsed, policies, nil
}

// prepare makes one query of all policies, and one of each.
func prepare(ctx context.Context, compiler *ast.Compiler, policies []*loaded) (program, error) {
	var p program
	var entries []string
	for number, policy := range policies {
		p.rules = append(p.rules, policy.rule)
		own := policy.entries(number)
		entries = append(entries, own...)
		query, err := prepareQuery(ctx, compiler, own)
		if err != nil {
			return program{}, fmt.Errorf("preparing rule %s: %w", policy.rule.Name, err)
		}
		p.alone = append(p.alone, query)
	}
	query, err := prepareQuery(ctx, compiler, entries)
	if err != nil {
		return program{}, fmt.Errorf("preparing all rules: %w", err)
	}
	p.together = query
	return p, nil
}

// entries are the parts of a query that name a policy's results.
func (p *loaded) entries(number int) []string {
	var entries []string
	for _, head := range p.heads {
		ref := p.pkg.Append(ast.StringTerm(head))
		entries = append(entries, fmt.Sprintf("[%d, %q, %s]", number, head, ref))
	}
	return entries
}

func prepareQuery(ctx context.Context, compiler *ast.Compiler, entries []string) (rego.PreparedEvalQuery, error) {
	query := fmt.Sprintf("%s := [%s]", resultVariable, strings.Join(entries, ", "))
	return rego.New(rego.Query(query), rego.Compiler(compiler), quantityBuiltin()).PrepareForEval(ctx)
}
