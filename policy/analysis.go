package policy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/open-policy-agent/opa/v1/ast"
)

// analysis finds the parts of compiled sources that have no effect.
type analysis struct {
	compiler *ast.Compiler
	set      moduleSet
	// modules are those of the sources, by file. The built-in ones are not among them.
	modules map[string]Module
	// packages has the modules of each package, by its path.
	packages map[string][]Module
	// uses are the references of modules to data.
	uses []use
	// within has all beginnings of these, and exact the references themselves.
	within, exact map[string]users
	// defined has the rules, and holders what they are in.
	defined, holders map[string]bool
	warnings         []Warning
}

// use is a reference to data in a module.
type use struct {
	file string
	ref  ast.Ref
	at   *ast.Location
}

// users are the packages that refer to something.
type users struct {
	first   string
	several bool
}

// analyze returns the warnings about sources that were compiled.
func analyze(modules []Module, set moduleSet, compiler *ast.Compiler) []Warning {
	a := analysis{
		compiler: compiler, set: set, modules: map[string]Module{}, packages: map[string][]Module{},
		within: map[string]users{}, exact: map[string]users{}, defined: map[string]bool{}, holders: map[string]bool{},
	}
	var own []Module
	for _, m := range modules {
		if !m.Builtin {
			own = append(own, m)
		}
	}
	for _, m := range own {
		pkg := a.packageOf(m).String()
		a.modules[m.File], a.packages[pkg] = m, append(a.packages[pkg], m)
		a.define(a.compiler.Modules[m.File])
		for _, u := range a.usesOf(m) {
			a.uses = append(a.uses, u)
			a.exact[u.ref.String()] = a.exact[u.ref.String()].and(pkg)
			for _, beginning := range beginnings(u.ref) {
				a.within[beginning] = a.within[beginning].and(pkg)
			}
		}
	}
	a.unfilled()
	seen := map[string]bool{}
	for _, m := range own {
		pkg := a.packageOf(m).String()
		if !seen[pkg] {
			seen[pkg] = true
			a.inPackage(m)
		}
		a.inModule(m)
	}
	return LimitWarnings(a.warnings)
}

// define notes what a module defines.
func (a *analysis) define(module *ast.Module) {
	for _, beginning := range beginnings(module.Package.Path) {
		a.holders[beginning] = true
	}
	for _, rule := range module.Rules {
		ref := rule.Ref().ConstantPrefix()
		a.defined[ref.String()] = true
		for _, beginning := range beginnings(ref) {
			a.holders[beginning] = true
		}
	}
}

// and returns the users together with another one.
func (u users) and(pkg string) users {
	if u.first == "" {
		return users{first: pkg}
	}
	return users{first: u.first, several: u.several || u.first != pkg}
}

// beginnings returns a reference and what it is in, without the root.
func beginnings(ref ast.Ref) []string {
	var all []string
	for length := 2; length <= len(ref); length++ {
		all = append(all, ref[:length].String())
	}
	return all
}

// users returns who refers to something, to a part of it, or to what it is in.
func (a *analysis) users(ref ast.Ref) []users {
	var all []users
	if u, found := a.within[ref.String()]; found {
		all = append(all, u)
	}
	for length := 1; length < len(ref); length++ {
		if u, found := a.exact[ref[:length].String()]; found {
			all = append(all, u)
		}
	}
	return all
}

func (a *analysis) warn(m Module, at *ast.Location, problem, fix string) {
	line := 1
	if at != nil {
		line = at.Row
	}
	a.warnings = append(a.warnings, Warning{Source: m.source(), File: m.File, Line: line, Problem: problem, Fix: fix})
}

func (a *analysis) packageOf(m Module) ast.Ref { return a.set.parsed[m.File].Package.Path }

// headsOf returns the results in a module. They were read before without an error.
func (a *analysis) headsOf(m Module) []head {
	heads, err := headsOf(a.set.parsed[m.File])
	if err != nil {
		return nil
	}
	if m.Constraint != nil {
		return slices.DeleteFunc(heads, func(h head) bool { return h.kind != headViolation })
	}
	return heads
}

// usesOf returns the references of a module to data: those of its imports, and of its rules, in
// which the compiler has resolved the imports.
func (a *analysis) usesOf(m Module) []use {
	var all []use
	for _, i := range a.set.parsed[m.File].Imports {
		if ref, isRef := i.Path.Value.(ast.Ref); isRef && ref.HasPrefix(ast.DefaultRootRef) {
			all = append(all, use{file: m.File, ref: ref, at: i.Location})
		}
	}
	for _, rule := range a.compiler.Modules[m.File].Rules {
		at := rule.Location
		ast.WalkTerms(rule, func(term *ast.Term) bool {
			if term.Location != nil && term.Location.Row > 0 {
				at = term.Location
			}
			if ref, isRef := term.Value.(ast.Ref); isRef && ref.HasPrefix(ast.DefaultRootRef) {
				all = append(all, use{file: m.File, ref: ref.ConstantPrefix(), at: at})
			}
			return false
		})
	}
	return all
}

// unfilled warns of references to data that no module defines.
func (a *analysis) unfilled() {
	reported := map[string]bool{}
	for _, u := range a.uses {
		name := shown(u.ref)
		if key := u.file + " " + name; !reported[key] && !a.isDefined(u.ref) {
			reported[key] = true
			problem, fix := unfilled(name)
			a.warn(a.modules[u.file], u.at, problem, fix)
		}
	}
}

// isDefined reports whether a module defines what a reference leads to.
func (a *analysis) isDefined(ref ast.Ref) bool {
	return len(ref) == 1 || a.holders[ref.String()] || slices.ContainsFunc(beginnings(ref), func(b string) bool { return a.defined[b] })
}

// inPackage warns of a package that judges nothing. m is its first module.
func (a *analysis) inPackage(m Module) {
	pkg := a.packageOf(m)
	near := ""
	for _, other := range a.packages[pkg.String()] {
		if len(a.headsOf(other)) > 0 {
			return
		}
		for _, rule := range a.compiler.Modules[other.File].Rules {
			near = cmp.Or(near, nearestHead(ruleName(rule)))
		}
	}
	if slices.ContainsFunc(a.users(pkg), func(u users) bool { return u.several || u.first != pkg.String() }) {
		return
	}
	at := a.set.parsed[m.File].Package.Location
	switch {
	case m.Constraint == nil:
		problem, fix := noResults(strings.TrimPrefix(shown(pkg), "data."), near)
		a.warn(m, at, problem, fix)
	case len(pkg) < 4 || !pkg[3].Equal(ast.StringTerm("lib")): // A library may bring more than a template uses.
		problem, fix := noViolation(m.Constraint.Name)
		a.warn(m, at, problem, fix)
	}
}

// inModule warns of rules of a policy that are never true, or that nothing uses.
func (a *analysis) inModule(m Module) {
	heads := map[string]bool{}
	for _, h := range a.headsOf(m) {
		heads[h.name] = true
	}
	if len(heads) == 0 {
		return
	}
	reported := map[string]bool{}
	for _, rule := range a.compiler.Modules[m.File].Rules {
		name := ruleName(rule)
		switch {
		case heads[name] || rule.Default || len(rule.Head.Args) > 0 || reported[name] || len(a.users(rule.Ref().ConstantPrefix())) > 0:
		case name == headAllow:
			reported[name] = true
			problem, fix := ignoredAllow()
			a.warn(m, rule.Location, problem, fix)
		case rule.Head.RuleKind() == ast.MultiValue:
			reported[name] = true
			problem, fix := unusedSet(name, m.Constraint != nil)
			a.warn(m, rule.Location, problem, fix)
		}
	}
	a.neverTrue(m, heads)
}

// neverTrue warns of results that are never true. The rules of a library for Gatekeeper judge many
// kinds, so there one that can be true is enough.
func (a *analysis) neverTrue(m Module, heads map[string]bool) {
	n := never{analysis: a, known: map[*ast.Rule]outcome{}}
	var found []Warning
	alive := false
	for _, rule := range a.compiler.Modules[m.File].Rules {
		name := ruleName(rule)
		if !heads[name] || rule.Default {
			continue
		}
		because, isNever := n.rule(rule)
		if !isNever {
			alive = true
			continue
		}
		problem, fix := neverTrue(name, because)
		found = append(found, Warning{Source: m.source(), File: m.File, Line: rule.Location.Row, Problem: problem, Fix: fix})
	}
	if m.Constraint == nil || !alive {
		a.warnings = append(a.warnings, found...)
	}
}

func ruleName(rule *ast.Rule) string {
	name, _ := rule.Head.Ref()[0].Value.(ast.Var)
	return string(name)
}

// nearestHead returns the result that a name nearly is; empty if there is none.
func nearestHead(name string) string {
	for _, h := range []string{headDeny, headViolation, headWarn, headAllow} {
		if strings.HasPrefix(strings.ToLower(name), h) || levenshtein.ComputeDistance(strings.ToLower(name), h) <= 1+len(h)/6 {
			return h
		}
	}
	return ""
}

// shown returns a reference as its author wrote it: without the package that sets sources apart.
func shown(ref ast.Ref) string {
	if len(ref) > 3 && (ref[1].Equal(ast.StringTerm(gatekeeperRoot)) || ref[1].Equal(ast.StringTerm(mainRoot))) {
		ref = slices.Concat(ref[:1], ref[3:])
	}
	return ref.String()
}
