package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// table returns the values in the order of the file, as a table in Markdown.
func table(values []value) []byte {
	var out strings.Builder
	out.WriteString("| value | default | meaning |\n|---|---|---|\n")
	rows(&out, values)
	return []byte(out.String())
}

func rows(out *strings.Builder, values []value) {
	for _, v := range values {
		if v.children == nil {
			fmt.Fprintf(out, "| `%s` | `%s` | %s |\n", v.path, cell(inline(v.node)), cell(v.meaning+v.allowed()))
			continue
		}
		if v.meaning != "" {
			fmt.Fprintf(out, "| **`%s`** | | %s |\n", v.path, cell(v.meaning))
		}
		rows(out, v.children)
	}
}

// allowed words what the schema asks beside the type, where the comment need not repeat it.
func (v value) allowed() string {
	var words []string
	if options, ok := v.keywords["enum"].([]any); ok {
		quoted := make([]string, len(options))
		for i, o := range options {
			quoted[i] = fmt.Sprintf("`%v`", o)
		}
		words = append(words, "One of "+strings.Join(quoted, ", ")+".")
	}
	least, most := v.keywords["minimum"], v.keywords["maximum"]
	switch {
	case least != nil && most != nil:
		words = append(words, fmt.Sprintf("From %v to %v.", least, most))
	case least != nil:
		words = append(words, fmt.Sprintf("At least %v.", least))
	case most != nil:
		words = append(words, fmt.Sprintf("At most %v.", most))
	}
	if len(words) == 0 {
		return ""
	}
	return " " + strings.Join(words, " ")
}

// inline returns a default in one line.
func inline(node *yaml.Node) string {
	if node.Kind == yaml.ScalarNode && node.Value != "" {
		return node.Value
	}
	var v any
	if err := node.Decode(&v); err != nil {
		return node.Value
	}
	line, err := json.Marshal(v)
	if err != nil {
		return node.Value
	}
	return string(line)
}

// cell keeps a text within its cell, and what stands in angle brackets from being taken for HTML.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(strings.Join(strings.Fields(text), " "))
}
