package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"gopkg.in/yaml.v3"
)

// schemaOf returns the JSON Schema of the values: of each the type of its default, what its comment
// adds, and no key that is not there.
func schemaOf(values []value) ([]byte, error) {
	root := object(values)
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	// Helm gives every chart the values of all charts under this key.
	if properties, ok := root["properties"].(map[string]any); ok {
		properties["global"] = map[string]any{"type": "object", "description": "Values of all charts of an umbrella chart; none is read."}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	return out.Bytes(), nil
}

func object(values []value) map[string]any {
	properties := map[string]any{}
	for _, v := range values {
		properties[v.key] = v.schema()
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
}

func (v value) schema() map[string]any {
	schema := map[string]any{"type": typeOf(v.node)}
	if v.children != nil {
		schema = object(v.children)
	}
	if v.meaning != "" {
		schema["description"] = v.meaning
	}
	maps.Copy(schema, v.keywords)
	return schema
}

func typeOf(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "object"
	case node.Kind == yaml.SequenceNode:
		return "array"
	case node.Tag == "!!int":
		return "integer"
	case node.Tag == "!!float":
		return "number"
	case node.Tag == "!!bool":
		return "boolean"
	default:
		return "string"
	}
}
