package mask

import (
	"regexp"
	"strings"
	"unicode"
)

// structured values tell of something else: paths, URLs, versions, durations and times.
var structured = regexp.MustCompile(`^(?:[./~]|[a-z][a-z0-9+.-]*://|v?\d+(?:\.\d+)+|\d+(?:ns|us|µs|ms|s|m|h|Mi|Gi|Ki)|\d{4}-\d\d-\d\d|sha\d+:|\w+\()`)

// isCredential reports whether a value behind a name is a credential.
func isCredential(asked strength, value string) bool {
	return asked >= credential || asked == telling && opaque(value)
}

// opaque reports whether a value looks like what a machine made, and not like a word, a number or a
// path.
func opaque(value string) bool {
	value = strings.Trim(value, "\"'`\\ ")
	if len(value) < 8 || strings.ContainsAny(value, " \t\n") || structured.MatchString(value) {
		return false
	}
	return mixed(value) && entropy(value) >= 2.5
}

// mixed reports whether a word has letters and digits.
func mixed(value string) bool {
	return len(value) >= 6 && strings.ContainsAny(value, "0123456789") && strings.IndexFunc(value, unicode.IsLetter) >= 0 && !structured.MatchString(value)
}

// revealing reports whether a word is opaque enough to be a credential in a sentence: of capital
// and small letters and digits.
func revealing(value string) bool {
	return opaque(value) && strings.IndexFunc(value, unicode.IsUpper) >= 0 && strings.IndexFunc(value, unicode.IsLower) >= 0
}

// references match what is filled in elsewhere: variables, and the templates of tools. In lower
// case a word behind a dollar may as well be a password.
var references = regexp.MustCompile(`\$\$?(?:[A-Z_][A-Z0-9_]*|\{[^{}\s]*\}|\([^()\s]*\)|\{\{[^{}]*\}\})|\{\{[^{}]*\}\}`)

// harmless reports whether a value is none: it says that there is none, only refers to one, or is
// hidden already.
func harmless(value string) bool {
	value = references.ReplaceAllString(strings.ReplaceAll(value, Masked, ""), "")
	if strings.IndexFunc(value, func(r rune) bool { return r >= 0x80 || unicode.IsLetter(r) || unicode.IsDigit(r) }) < 0 {
		return strings.Trim(value, "\"'`\\ ,.:;/@()[]{}<>=&-") == ""
	}
	switch strings.ToLower(strings.Trim(value, "\"'`\\ ,[]<>")) {
	case "true", "false", "null", "nil", "none", "redacted":
		return true
	}
	return false
}
