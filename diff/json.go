package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// JSON renders the changes for tools: a list, empty where nothing changed, of objects whose fields
// are those of Change.
func (c Changes) JSON() ([]byte, error) {
	if c == nil {
		c = Changes{}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(c); err != nil {
		return nil, fmt.Errorf("encoding changes: %w", err)
	}
	return out.Bytes(), nil
}
