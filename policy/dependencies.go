package policy

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// readsObjects reports whether policies may read the request's objects, which must then be decoded:
// through input.request.object, oldObject, input.review, the bare object, or a reference that is
// only known at evaluation. It inspects their packages and all packages that these refer to.
// compiler has compiled them, so aliases are resolved.
func readsObjects(compiler *ast.Compiler, policies []*loaded) bool {
	w := readsWalk{compiler: compiler, seen: map[*ast.Module]bool{}}
	for _, p := range policies {
		w.packages(p.pkg)
	}
	return w.found
}

type readsWalk struct {
	compiler *ast.Compiler
	seen     map[*ast.Module]bool
	found    bool
}

// packages inspects all modules whose package a reference may lead into.
func (w *readsWalk) packages(ref ast.Ref) {
	for _, module := range w.compiler.Modules {
		path := module.Package.Path
		if !w.seen[module] && (path.HasPrefix(ref) || ref.HasPrefix(path)) {
			w.seen[module] = true
			for _, rule := range module.Rules {
				w.walk(rule)
			}
		}
	}
}

func (w *readsWalk) walk(node any) {
	ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case ast.Ref:
			w.ref(x)
			return true
		case ast.Var: // By itself, it is the whole document.
			w.found = w.found || x == ast.InputRootDocument.Value.(ast.Var) || x == ast.DefaultRootDocument.Value.(ast.Var)
		}
		return w.found
	}).Walk(node)
}

func (w *readsWalk) ref(ref ast.Ref) {
	switch {
	case ref.HasPrefix(ast.InputRootRef):
		w.found = w.found || inputLeadsToObjects(ref)
	case ref.HasPrefix(ast.DefaultRootRef):
		w.packages(ref.ConstantPrefix())
	}
	for i, term := range ref {
		if i > 0 || !ast.RootDocumentNames.Contains(term) {
			w.walk(term)
		}
	}
}

// inputLeadsToObjects reports whether a reference into input may read the objects.
func inputLeadsToObjects(ref ast.Ref) bool {
	part := func(i int) string {
		if i >= len(ref) {
			return ""
		}
		text, _ := ref[i].Value.(ast.String)
		return string(text)
	}
	if part(1) == sourceInputs {
		return len(ref) < 4 || inputLeadsToObjects(slices.Concat(ref[:1], ref[3:]))
	}
	switch part(1) {
	case "effective", "parameters", "namespace":
		return false
	case "request", "review":
		key := part(2)
		return key == "" || key == "object" || key == "oldObject"
	default:
		return true
	}
}
