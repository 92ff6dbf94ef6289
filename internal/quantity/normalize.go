package quantity

import (
	"bytes"
	"maps"
	"slices"
)

// exactDigits is the number of digits that resource.ParseQuantity reads without big numbers.
const exactDigits = 15

var (
	// lists are the fields of Kubernetes' objects that hold quantities by name.
	lists = []string{
		"limits", "requests", "overhead", "podFixed", "capacity", "allocatable", "hard", "used",
		"min", "max", "default", "defaultRequest", "maxLimitRequestRatio",
	}
	// fields are those that hold one quantity, by the object that they are in.
	fields = map[string]string{"resourceFieldRef": "divisor", "emptyDir": "sizeLimit"}
)

// Normalize returns a decoded object in which every quantity that takes long to decode is written
// in a form that does not. An amount beyond Max keeps its sign, its exponent and its first digits,
// so that Limit still finds it. The object itself is not changed.
func Normalize(object map[string]any) map[string]any {
	normalized, _ := normalizeMap("", object)
	return normalized
}

func normalizeMap(name string, object map[string]any) (result map[string]any, changed bool) {
	result = object
	for key, value := range object {
		var other any
		var differs bool
		switch value := value.(type) {
		case map[string]any:
			other, differs = normalizeMap(key, value)
		case []any:
			other, differs = normalizeList(value)
		case string:
			if slices.Contains(lists, name) || fields[name] == key {
				other, differs = normalizeText(value)
			}
		}
		if !differs {
			continue
		}
		if !changed {
			result, changed = maps.Clone(object), true
		}
		result[key] = other
	}
	return result, changed
}

func normalizeList(list []any) (result []any, changed bool) {
	result = list
	for i, value := range list {
		object, isObject := value.(map[string]any)
		if !isObject {
			continue
		}
		if other, differs := normalizeMap("", object); differs {
			if !changed {
				result, changed = slices.Clone(list), true
			}
			result[i] = other
		}
	}
	return result, changed
}

// normalizeText leaves a text that is no quantity to the decoder, which says what is wrong.
func normalizeText(text string) (result string, changed bool) {
	if !isExpensive(text) {
		return text, false
	}
	d, err := parseDecimal(text)
	if err != nil {
		return text, false
	}
	if amount, inRange := d.quantity(); inRange {
		return amount.String(), true
	}
	return d.text(exactDigits), true
}

// MayNeedNormalize reports whether a text in JSON may hold a quantity that takes long to decode. It
// reads the text once and decodes nothing.
func MayNeedNormalize(text []byte) bool {
	length := 0 // of the number at which the text is now
	for i, c := range text {
		switch {
		case isNumeric(c):
			if length++; length > maxDigits {
				return true
			}
			continue
		case (c == 'e' || c == 'E') && length > 0 && endsQuantity(text[i+1:]):
			return true
		case c == '\\' && escapesNumeric(text[i:]):
			return true
		}
		length = 0
	}
	return false
}

func isNumeric(c byte) bool { return c >= '0' && c <= '9' || c == '.' }

// endsQuantity reports whether an exponent of more than two digits ends a JSON value here.
func endsQuantity(text []byte) bool {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	end := 0
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	return end > 2 && (end == len(text) || bytes.IndexByte([]byte("\" ,]}\t\r\n"), text[end]) >= 0)
}

// escapesNumeric reports whether a JSON escape stands for a character of a quantity.
func escapesNumeric(text []byte) bool {
	const prefix, escape = `\u00`, `\u00xx`
	if len(text) < len(escape) || string(text[:len(prefix)]) != prefix {
		return false
	}
	switch high, low := text[4], text[5]|0x20; high {
	case '2':
		return low == 'b' || low == 'd' || low == 'e'
	case '3':
		return low >= '0' && low <= '9'
	case '4', '6':
		return low == '5'
	}
	return false
}
