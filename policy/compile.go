package policy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// New compiles modules under an install's overrides. An error names the file and line. Only the
// built-in policies by themselves are compiled in strict mode: policies that were written for OPA,
// Conftest or Gatekeeper need not be strict.
func New(ctx context.Context, modules []Module, limits Limits, overrides Overrides) (*Engine, error) {
	set, err := loadAll(modules)
	if err != nil {
		return nil, err
	}
	compiler := NewCompiler(set.strict)
	if compiler.Compile(set.parsed); compiler.Failed() {
		return nil, WithLocation(compiler.Errors)
	}
	engine := &Engine{limits: limits, overrides: overrides, digest: digest(modules, overrides)}
	var policies, early []*loaded
	for _, p := range set.policies {
		engine.ruleNames = append(engine.ruleNames, p.rule.Name)
		p.rule = overrides.apply(p.rule)
		if p.rule.Enforcement == EnforceOff {
			continue
		}
		policies = append(policies, p)
		if p.rule.Early {
			early = append(early, p)
		}
	}
	engine.inputs = set.inputs
	if engine.final, err = prepare(ctx, compiler, policies); err != nil {
		return nil, err
	}
	if engine.early, err = prepare(ctx, compiler, early); err != nil {
		return nil, err
	}
	engine.early.objects = true // There the template as written is the effective pod.
	engine.final.objects = readsObjects(compiler, policies)
	engine.warnings = analyze(modules, set, compiler)
	return engine, nil
}

// NewCompiler returns a compiler with our builtin and without those that reach outside. Strict is
// not for Rego v0, whose policies use deprecated builtins.
func NewCompiler(strict bool) *ast.Compiler {
	return ast.NewCompiler().WithStrict(strict).WithCapabilities(capabilities())
}

// moduleSet holds parsed modules, and their policies sorted by name.
type moduleSet struct {
	parsed   map[string]*ast.Module
	policies []*loaded
	inputs   map[string]sourceInput
	strict   bool
}

func loadAll(modules []Module) (moduleSet, error) {
	set := moduleSet{parsed: make(map[string]*ast.Module, len(modules)), strict: true}
	owners := map[string]Module{}
	for _, m := range modules {
		if _, exists := set.parsed[m.File]; exists {
			return moduleSet{}, fmt.Errorf("two files have the name %s", m.File)
		}
		tree, policy, err := load(m)
		if err != nil {
			return moduleSet{}, err
		}
		pkg := tree.Package.Path.String()
		if owner, taken := owners[pkg]; taken && owner.source() != m.source() {
			return moduleSet{}, fmt.Errorf("%s:1: package %s is used by %s too, and a package belongs to one source: rename one",
				m.File, strings.TrimPrefix(pkg, "data."), owner.File)
		}
		owners[pkg] = m
		set.parsed[m.File] = tree
		set.strict = set.strict && m.Builtin
		if err := set.join(policy); err != nil {
			return moduleSet{}, err
		}
	}
	var err error
	if set.inputs, err = inputsOf(modules, set.parsed); err != nil {
		return moduleSet{}, err
	}
	slices.SortFunc(set.policies, func(a, b *loaded) int { return strings.Compare(a.rule.Name, b.rule.Name) })
	return set, nil
}

// join adds a policy. Files of one source may define parts of the same policy.
func (s *moduleSet) join(policy *loaded) error {
	if policy == nil {
		return nil
	}
	for _, other := range s.policies {
		switch {
		case other.rule.Name != policy.rule.Name:
		case !other.pkg.Equal(policy.pkg):
			return fmt.Errorf("%s:1: %s defines rule %s too, which is named by the last part of its package: rename one",
				policy.file, other.file, policy.rule.Name)
		default:
			if policy.described {
				other.rule, other.described = policy.rule, true
			}
			all := map[string]head{}
			for _, h := range slices.Concat(other.heads, policy.heads) {
				all[h.name] = h
			}
			other.heads = sortHeads(all)
			return nil
		}
	}
	s.policies = append(s.policies, policy)
	return nil
}

// prepare makes one query of each policy, and one of each group of them.
func prepare(ctx context.Context, compiler *ast.Compiler, policies []*loaded) (program, error) {
	var p program
	for number, policy := range policies {
		p.rules = append(p.rules, policy.rule)
		p.heads = append(p.heads, policy.heads)
		p.builtin = append(p.builtin, policy.builtin)
		query, err := prepareQuery(ctx, compiler, policy.entries(number))
		if err != nil {
			return program{}, fmt.Errorf("preparing rule %s: %w", policy.rule.Name, err)
		}
		p.alone = append(p.alone, query)
	}
	for _, builtin := range []bool{true, false} {
		g, err := prepareGroup(ctx, compiler, policies, builtin)
		if err != nil {
			return program{}, err
		}
		if len(g.sources) > 0 {
			p.groups = append(p.groups, g)
		}
	}
	return p, nil
}

func prepareGroup(ctx context.Context, compiler *ast.Compiler, policies []*loaded, builtin bool) (group, error) {
	var entries []string
	bySource := map[string][]int{}
	for number, policy := range policies {
		if policy.builtin == builtin {
			entries = append(entries, policy.entries(number)...)
			bySource[policy.source] = append(bySource[policy.source], number)
		}
	}
	var g group
	for _, source := range slices.Sorted(maps.Keys(bySource)) {
		g.sources = append(g.sources, bySource[source])
	}
	var err error
	if g.together, err = prepareQuery(ctx, compiler, entries); err != nil {
		return group{}, fmt.Errorf("preparing all rules: %w", err)
	}
	return g, nil
}

// entries returns the parts of a query that name a policy's results.
func (p *loaded) entries(number int) []string {
	var entries []string
	for index, h := range p.heads {
		entries = append(entries, h.entry(number, index, p.pkg))
	}
	return entries
}

func prepareQuery(ctx context.Context, compiler *ast.Compiler, entries []string) (*query, error) {
	text := fmt.Sprintf("%s := [%s]", resultVariable, strings.Join(entries, ", "))
	prepared, err := rego.New(rego.Query(text), rego.Compiler(compiler), QuantityBuiltin(), rego.GenerateJSON(generateJSON)).PrepareForEval(ctx)
	return &query{prepared: prepared}, err
}
