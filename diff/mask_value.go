package diff

import (
	"strings"

	"reprise.dev/reprise/internal/mask"
)

// maxValue is how many bytes of one string a change holds.
const maxValue = 4 << 10

// maxMasked is how many bytes of one string are searched for credentials.
const maxMasked = 64 << 10

// maskValue hides credentials in a value of any shape, by the names that stand at them.
func maskValue(name string, value any) any {
	switch value := value.(type) {
	case string:
		if len(value) > maxMasked {
			value = cut(value, maxMasked)
		}
		return cut(mask.Value(name, value), maxValue)
	case []any:
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = maskValue(itemName(name, value, i), item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(value))
		for key, field := range value {
			fieldName := key
			// An environment variable, an HTTP header.
			if own, ok := value["name"].(string); ok && key == "value" {
				fieldName = own
			}
			out[key] = maskValue(fieldName, field)
		}
		return out
	default:
		return value // Numbers and truth values are no credentials.
	}
}

// itemName names a word of a command by the flag before it: --password hunter2.
func itemName(name string, list []any, i int) string {
	if i == 0 {
		return name
	}
	before, _ := list[i-1].(string)
	word, _ := list[i].(string)
	if strings.HasPrefix(before, "-") && !strings.HasPrefix(word, "-") && !strings.ContainsAny(before, "= ") {
		return before
	}
	return name
}
