package diff

import (
	"regexp"
	"strings"
)

var (
	// assignment matches a name and what assigns to it: NAME=, name: , "name":, \"name\":.
	assignment = regexp.MustCompile(`([A-Za-z0-9_][A-Za-z0-9_.-]*)\\*["']?[ \t]*(:=|=>|[=:])[ \t]*`)
	// flag matches a command line's flag whose value follows it.
	flag = regexp.MustCompile(`(?:^|[\s"'])--?([A-Za-z][A-Za-z0-9_.-]*)[ \t]+`)
	// nextAssignment follows a separator that ends a value: "a=1&password=x;b=2, c".
	nextAssignment = regexp.MustCompile(`^[,;&](?:$|[\s"'\\\]})]|[\w.-]+\\*["']?\s*[=:])`)
	// leadingReference matches a variable's reference that is a whole value.
	leadingReference = regexp.MustCompile(`^(` + variableReference + `)(?:$|[\s,;&"'])`)
	// alreadyMasked is an authorization header's value whose scheme was left.
	alreadyMasked = regexp.MustCompile(`^(?i:bearer|basic) \*\*\*`)
	// prose begins what an error says of a credential: "token: unexpected end", "password: must not
	// be empty".
	prose = regexp.MustCompile(`^(?i)(?:a|an|authentication|bad|can|cannot|connection|context|could|denied|dial|does|eof|error|` +
		`expected|expired|failed|forbidden|has|incorrect|invalid|is|malformed|missing|must|nil|no|none|not|null|open|` +
		`permission|read|required|should|the|too|unable|unauthorized|unexpected|unknown|was|wrong)\b`)
)

// maskAssigned hides values that are assigned to a credential's name. In prose, what only tells of
// a credential stays.
func maskAssigned(text string, inProse bool) string {
	text = maskHeads(assignment, text, func(rest, operator string) bool {
		return alreadyMasked.MatchString(rest) || inProse && operator == ":" && prose.MatchString(rest)
	})
	return maskHeads(flag, text, func(rest, _ string) bool {
		return strings.HasPrefix(rest, "-") || prose.MatchString(rest)
	})
}

// maskHeads hides the value behind every match whose first group names a credential.
func maskHeads(pattern *regexp.Regexp, text string, harmless func(rest, operator string) bool) string {
	var out strings.Builder
	for {
		head := pattern.FindStringSubmatchIndex(text)
		if head == nil {
			out.WriteString(text)
			return out.String()
		}
		end := head[1]
		name, operator := text[head[2]:head[3]], ""
		if len(head) > 4 {
			operator = text[head[4]:head[5]]
		}
		out.WriteString(text[:end])
		text = text[end:]
		if text == "" || !credentialName(name) || harmless(text, operator) {
			continue
		}
		value, quote := assigned(text)
		text = text[len(value):]
		if bare := strings.Trim(value, quote); bare == "" || reference.MatchString(bare) {
			out.WriteString(value)
			continue
		}
		out.WriteString(masked)
	}
}

// assigned returns the value at the start of a text: to its closing quote, or to where the next
// word or assignment begins. What adjoins a closing quote belongs to it, as in a shell.
func assigned(text string) (value, quote string) {
	quote = openingQuote(text)
	end := 0
	for next := quote; next != ""; next = openingQuote(text[end:]) {
		end += len(quotedValue(text[end:], next))
	}
	return text[:end+len(unquotedValue(text[end:]))], quote
}

// openingQuote returns the quote at the start of a text, with the backslashes of a text that is
// itself quoted.
func openingQuote(text string) string {
	escapes := len(text) - len(strings.TrimLeft(text, `\`))
	if escapes < len(text) && (text[escapes] == '"' || text[escapes] == '\'') {
		return text[:escapes+1]
	}
	return ""
}

// quotedValue returns a value with its quotes; without a closing one, the rest of the line.
func quotedValue(text, quote string) string {
	for i := len(quote); i <= len(text)-len(quote); i++ {
		if strings.HasPrefix(text[i:], quote) && text[i-1] != '\\' {
			return text[:i+len(quote)]
		}
	}
	return line(text)
}

func unquotedValue(text string) string {
	if variable := leadingReference.FindStringSubmatch(text); variable != nil {
		return variable[1]
	}
	for i := range len(text) {
		switch text[i] {
		case ' ', '\t', '\n', '\r', '"', '\'', '<', '`':
			return text[:i]
		case '\\':
			if openingQuote(text[i:]) != "" {
				return text[:i]
			}
		case ',', ';', '&':
			if nextAssignment.MatchString(text[i:]) {
				return text[:i]
			}
		case ')', ']', '}':
			if i == len(text)-1 || strings.ContainsRune(" \t\n,;\"')]}", rune(text[i+1])) {
				return text[:i]
			}
		}
	}
	return text
}

// line returns a text up to its first newline.
func line(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}
