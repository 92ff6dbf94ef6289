package main

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
)

// line is a line of a text that a user may read, and where it stands in the source.
type line struct {
	text string
	at   int
}

// sentences returns the string literals of a file that a user may read: messages, errors, Events,
// log lines and help. Whether a literal is one is told by its look, three words or more and no sign
// of code, so that no list of constructors can grow stale. Literals joined by + are one text; an
// operand that is no literal reads as "X".
func sentences(files *token.FileSet, file *ast.File) [][]line {
	var found [][]line
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.ImportSpec, *ast.Field:
			// An import's path and a struct's tag are no prose; a function literal's parameters hold none
			// either.
			return false
		case *ast.CallExpr:
			if isPattern(n) {
				return false
			}
		case *ast.BinaryExpr, *ast.BasicLit:
			parts, ok := operands(n.(ast.Expr))
			if !ok {
				return true
			}
			if text := lines(files, parts); isProse(text) {
				found = append(found, text)
			}
			return false
		}
		return true
	})
	return found
}

// isPattern reports whether a call compiles a regular expression, which may match the words of
// others.
func isPattern(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "MustCompile" {
		return false
	}
	name, ok := f.X.(*ast.Ident)
	return ok && name.Name == "regexp"
}

// operands flattens literals joined by +. It is not ok where there is no string literal among them.
func operands(e ast.Expr) ([]ast.Expr, bool) {
	switch n := e.(type) {
	case *ast.BasicLit:
		return []ast.Expr{n}, n.Kind == token.STRING
	case *ast.BinaryExpr:
		if n.Op != token.ADD {
			return nil, false
		}
		left, a := operands(n.X)
		right, b := operands(n.Y)
		return append(left, right...), a || b
	}
	return []ast.Expr{e}, false
}

func lines(files *token.FileSet, parts []ast.Expr) []line {
	var text []line
	add := func(s string, at int) {
		if len(text) == 0 {
			text = []line{{at: at}}
		}
		text[len(text)-1].text += s
	}
	for _, part := range parts {
		at := files.Position(part.Pos()).Line
		literal, ok := part.(*ast.BasicLit)
		if !ok {
			add("X", at)
			continue
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			continue
		}
		for i, s := range strings.Split(value, "\n") {
			if i > 0 {
				if literal.Value[0] == '`' {
					at++
				}
				text = append(text, line{at: at})
			}
			add(s, at)
		}
	}
	return text
}

var (
	word = regexp.MustCompile(`(?:^|[\s"'(])[A-Za-z][a-z'’]+(?:[\s.,;:!?)"']|$)`)
	code = regexp.MustCompile(`\{\{|:=|==|=>|&&|\|\||\\[bdsw]|\(\?|^package |^[a-z]+\.[a-z.]+\(|self\.|object\.`)
)

// isProse reports whether a text has three words at least and does not look like code.
func isProse(text []line) bool {
	words := 0
	for _, l := range text {
		if code.MatchString(l.text) {
			return false
		}
		words += len(word.FindAllString(strings.ReplaceAll(l.text, " ", "  "), -1))
	}
	return words >= 3
}
