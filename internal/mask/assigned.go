package mask

import (
	"regexp"
	"strings"
)

// assignments finds values by the names that stand before them.
type assignments struct {
	reading
	// lower is the reading in lower case.
	lower string
	// prose says that the text is a log line or a message, and no file.
	prose bool
	found *spans
}

var (
	// flag matches a command line's flag whose value follows it, also on the next line or as the next
	// item of a list.
	flag = regexp.MustCompile(`(?:^|[\s"'\[,])--?([A-Za-z][A-Za-z0-9_.-]*)(?:[ \t]*\\?\n[ \t]*(?:- +)?|[ \t]+|\\*["'],?\s*(?:- +)?\\*["'])`)
	// said matches what a sentence says of a credential: password is 'x', token abc, password for
	// bob: x.
	said = regexp.MustCompile(`(?i)(password|passwd|passphrase|passcode|pwd|token|api[ _-]?key|secret|credentials?|otp|pin|pw)["']?` +
		`((?:[ \t]+(?:is|was|of|for|to|set|changed|now|equals|user|account|with|using|value|named|be|as|the|bob|me|key|code|\w+:))*)[ \t]+`)
	// nextAssignment follows a separator that ends a value: "a=1&password=x;b=2, c".
	nextAssignment = regexp.MustCompile(`^[,;&](?:$|[\s"'\\\]})]|[\w.-]+\\*["']?\s*[=:])`)
	// leadingReference matches a variable's reference that is a whole value.
	leadingReference = regexp.MustCompile(`^(` + references.String() + `)(?:$|[\s,;&"'\]})])`)
	// blockScalar is YAML's mark of a value on the lines below, which are indented further.
	blockScalar = regexp.MustCompile(`^(?:![^\s]* +)?[|>][-+0-9]*[ \t]*(?:#.*)?$`)
	// assigns begins a line that assigns to another name.
	assigns = regexp.MustCompile(`^\s*(?:- +)?(?:export +|set +)?["']?[\w.-]+["']?\s*(?:[=:]\s|[=:]$|=)`)
	// prose begins what an error says of a credential: "token: unexpected end", "password: must not
	// be empty".
	prose = regexp.MustCompile(`^["']?(?i)(?:a|an|authentication|bad|can|cannot|connection|context|could|denied|dial|does|eof|error|` +
		`expected|expired|failed|forbidden|has|incorrect|invalid|is|malformed|missing|must|nil|no|none|not|null|open|` +
		`permission|read|required|should|the|too|unable|unauthorized|unexpected|unknown|was|wrong)(?:["']?$|[\s,.;:])`)
	// words begin a sentence: only a password has several words of small letters.
	words = regexp.MustCompile(`^[a-z]+,? [a-z]+(?:[\s,.;:)]|$)`)
	// schemed is an authorization header's value whose scheme was left.
	schemed = regexp.MustCompile(`^\[?\\*["']?(?i:bearer|basic|token|digest|negotiate|ntlm|apikey|api-key|aws4-hmac-sha256|hawk|key|custom)[ \t]+\S`)
	// fields of Kubernetes refer to a Secret and hold none.
	referring = regexp.MustCompile(`(?i)["'\s{,]?(?:secret)?(?:name|ref|key)["']?[:=]`)
)

func (a *assignments) find() {
	text := a.text
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '=' || c == ':':
			i = a.at(i)
		case c == '>' && i > 0 && text[i-1] == '-':
			i = a.at(i - 1)
		case c == '|' && i > 0 && text[i-1] == ' ' && strings.HasPrefix(text[i:], "| "):
			a.at(i)
		}
	}
	if strings.Contains(text, "-") {
		for _, head := range flag.FindAllStringSubmatchIndex(text, -1) {
			rest := text[head[1]:]
			if !strings.HasPrefix(rest, "-") && !prose.MatchString(rest) {
				a.hide(strengthOf(text[head[2]:head[3]]), head[1], oneWord, false)
			}
		}
	}
	a.sentences()
}

// sentenceHints are in lower case and in each text that said matches; one of them.
var sentenceHints = []string{"pass", "pwd", "token", "key", "secret", "credential", "otp", "pin", "pw"}

// sentences finds credentials that a sentence tells: what follows must look like one, or be quoted.
func (a *assignments) sentences() {
	if !containsAny(a.lower, sentenceHints) {
		return
	}
	for _, head := range said.FindAllStringSubmatchIndex(a.text, -1) {
		name, rest := a.text[head[2]:head[3]], a.text[head[1]:]
		value, quote := a.value(rest, head[1], false)
		bare := strings.Trim(value, `"'\`+"`"+`.,;:()[]`)
		asked := strengthOf(name)
		quoted := quote != "" && asked == phrase
		if asked >= credential && !prose.MatchString(rest) && !harmless(bare) && (quoted || revealing(bare) || asked == phrase && mixed(bare)) {
			a.found.add(head[1], head[1]+len(value))
		}
	}
}

// at reads an operator that begins at i, and returns where it ends.
func (a *assignments) at(i int) int {
	text := a.text
	end := i
	for end < len(text) && strings.IndexByte("=:>~|-", text[end]) >= 0 && (end == i || text[end] != '-' || text[i] == '-') && (text[end] != '|' || end == i) {
		end++
	}
	if text[i] != '-' && end-i > 1 && text[end-1] == '-' {
		end--
	}
	from := i
	for from > 0 && strings.IndexByte("?+:!~", text[from-1]) >= 0 {
		from--
	}
	asked := a.nameBefore(from)
	if asked == plainName {
		return end - 1
	}
	operator := text[i:end]
	rest := text[end:]
	colon := operator == ":"
	if schemed.MatchString(strings.TrimLeft(rest, " \t")) && asked >= credential && strings.EqualFold(text[max(0, from-len("authorization")):from], "authorization") {
		return end - 1 // The shape of the header finds it.
	}
	start := end + len(rest) - len(strings.TrimLeft(rest, " \t"))
	spaced := start > end
	if below := strings.TrimLeft(strings.TrimPrefix(text[start:], `\`), " \t\r"); strings.HasPrefix(below, "\n") || blockScalar.MatchString(ahead(text[start:], maxHead)) {
		a.below(asked, i, start)
		return end - 1
	}
	if a.prose && colon && spaced && (prose.MatchString(text[start:]) || asked < phrase && words.MatchString(text[start:])) {
		return end - 1
	}
	width := oneWord
	switch head := a.lineHead(from); {
	case !spaced || operator == "|":
	case head && !a.prose && asked >= credential:
		width = wholeLine
	case asked == phrase && (colon || head):
		width = manyWords
	}
	return max(end, a.hide(asked, start, width, a.isEncoded(i))) - 1
}

// width is how far a value without quotes may reach.
type width int

const (
	oneWord width = iota
	// manyWords reach to the next assignment or sign.
	manyWords
	// wholeLine is the value of a line in a file.
	wholeLine
)

// tag is one of YAML before a value.
var tag = regexp.MustCompile(`^!\S*[ \t]+`)

// maxHead is how far from its line's start the name of a line may end. It bounds the time, as
// maxAhead does for what follows an operator.
const (
	maxHead  = 256
	maxAhead = 4 << 10
)

// lineStart returns where the line of a position starts, no further than maxHead and a byte before.
func (a *assignments) lineStart(at int) int {
	from := max(0, at-maxHead-1)
	return from + strings.LastIndexByte(a.text[from:at], '\n') + 1
}

// lineHead reports whether the name that ends at a position is the first of its line.
func (a *assignments) lineHead(end int) bool {
	begin := a.lineStart(end)
	if end-begin > maxHead {
		return false
	}
	head := strings.TrimLeft(a.text[begin:end], " \t")
	for _, lead := range []string{"- ", "export ", "set ", "ENV "} {
		head = strings.TrimPrefix(head, lead)
	}
	return !strings.ContainsAny(strings.TrimRight(head, " \t"), " \t{[,;\"")
}

// nameBefore reads the name that ends before a position: NAME=, name: , "name":, \"name\":,
// ['name'] =, "Api Key:".
func (a *assignments) nameBefore(end int) strength {
	text := a.text[max(0, end-120):end]
	text = strings.TrimRight(text, "\"'`\\ \t]*")
	if strings.HasSuffix(text, ")") { // password (for bob): x
		if open := strings.LastIndexByte(text, '('); open >= 0 {
			text = strings.TrimRight(text[:open], "\"'` \t")
		}
	}
	from := len(text)
	for from > 0 && inName(text[from-1]) {
		from--
	}
	name := text[from:]
	if name == "" {
		return plainName
	}
	escaped := from > 0 && text[from-1] == '\\' && strings.IndexByte("nrt", name[0]) >= 0
	if escaped {
		name = name[1:]
	}
	if asked := strengthOf(name); asked > telling || from == 0 || text[from-1] != ' ' || escaped {
		return asked
	}
	switch strings.ToLower(name) {
	case "key", "string", "code", "phrase", "word", "token", "url":
		before := strings.TrimRight(text[:from], " ")
		at := len(before)
		for at > 0 && inName(before[at-1]) {
			at--
		}
		return strengthOf(before[at:] + "_" + name)
	}
	return strengthOf(name)
}

func inName(c byte) bool { return inWord(c) || c >= 0x80 || c == '.' || c == '$' || c == '@' }

// below hides what stands under a name without a value: a YAML block, a list, or one line.
func (a *assignments) below(asked strength, operator, start int) {
	text := a.text
	indent := indentOf(text[a.lineStart(operator):])
	block := blockScalar.MatchString(ahead(text[start:], maxHead))
	at := start + len(line(text[start:])) + 1
	for first := true; at < len(text); first = false {
		content := line(text[at:])
		own := indentOf(content)
		bare := strings.TrimSpace(content)
		deeper := own > indent
		item := strings.HasPrefix(bare, "- ")
		switch {
		case bare == "":
			at += len(content) + 1
			continue
		case block && !deeper, !block && !first && !item && !deeper, !block && assigns.MatchString(bare), !block && prose.MatchString(bare):
			return
		case !block && !first && !item && !strings.HasSuffix(strings.TrimRight(text[:at], "\n"), `\`):
			return
		}
		value := bare
		from := at + own
		if item && !block {
			value = strings.TrimLeft(bare[2:], " ")
			from = at + strings.Index(content, value)
		}
		if !harmless(value) && (block || isCredential(asked, strings.Trim(value, `"'`)) && (!a.prose || asked == phrase || opaque(value))) {
			a.found.add(from, from+len(value))
		}
		if !block && !item {
			return
		}
		at += len(content) + 1
	}
}

// hide hides the value at a position, if its name and the value itself say that it is a credential.
// It returns where the hidden part ends; what is in it needs no other look.
func (a *assignments) hide(asked strength, start int, reach width, encoded bool) int {
	start += len(tag.FindString(a.text[start:]))
	rest := a.text[start:]
	if rest == "" || asked == plainName {
		return start
	}
	if asked >= credential && (rest[0] == '[' || rest[0] == '{') {
		content := bracketed(rest)
		inner := strings.TrimSpace(strings.Trim(content, "[]{}"))
		if rest[0] == '[' && !strings.ContainsAny(inner, ":={") || asked == phrase || !referring.MatchString(inner) && strings.ContainsAny(inner, ":=") {
			if !harmless(inner) {
				from := start + strings.Index(content, inner)
				a.found.add(from, from+len(inner))
				return from + len(inner)
			}
		}
		return start
	}
	value, quote := a.value(rest, start, encoded)
	if reach > oneWord && quote == "" && !leadingReference.MatchString(rest) {
		value = wideValue(rest, value, reach == wholeLine)
	}
	bare := strings.Trim(value, quote)
	if harmless(bare) || !isCredential(asked, bare) {
		return start
	}
	a.found.add(start, start+len(value))
	return start + len(value)
}

// wideValue returns a value of several words: to the end of the line, or, in running text, to the
// next assignment.
func wideValue(rest, value string, whole bool) string {
	if whole {
		return strings.TrimRight(line(rest), " \t")
	}
	all := strings.TrimRight(ahead(rest, len(value)+maxHead), " \t")
	end := len(value)
	for end < len(all) {
		next := all[end:]
		trimmed := strings.TrimLeft(next, " \t")
		token := trimmed
		if space := strings.IndexAny(trimmed, " \t"); space >= 0 {
			token = trimmed[:space]
		}
		if len(trimmed) == len(next) || strings.ContainsAny(token, "=:,;(){}[]<>\"'") {
			break
		}
		end += len(next) - len(trimmed) + len(token)
	}
	return all[:end]
}

// bracketed returns a list or an object at the start of a text, to the bracket that closes it.
func bracketed(text string) string {
	depth := 0
	for i := range min(len(text), maxAhead) {
		switch text[i] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return text[:i+1]
			}
		}
	}
	return ahead(text, maxAhead)
}

// ahead returns a text up to its first newline, and no more than so many bytes.
func ahead(text string, bytes int) string { return line(text[:min(len(text), bytes)]) }

// value returns the value at the start of a text, which stands at a position of the reading: to its
// closing quote, or to where the next word or assignment begins. What adjoins a closing quote
// belongs to it, as in a shell.
func (a *assignments) value(text string, at int, encoded bool) (value, quote string) {
	quote = openingQuote(text)
	end := 0
	for next := quote; next != ""; next = openingQuote(text[end:]) {
		end += len(quotedValue(text[end:], next))
	}
	return text[:end+len(a.unquoted(text[end:], at+end, encoded))], quote
}

// openingQuote returns the quote at the start of a text, with the backslashes of a text that is
// itself quoted.
func openingQuote(text string) string {
	escapes := len(text) - len(strings.TrimLeft(text, `\`))
	if escapes < len(text) && strings.IndexByte("\"'`", text[escapes]) >= 0 {
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

func (a *assignments) unquoted(text string, at int, encoded bool) string {
	if variable := leadingReference.FindStringSubmatch(text); variable != nil {
		return variable[1]
	}
	for i := 0; i < len(text); i++ {
		if a.isEncoded(at+i) && !encoded {
			continue // A space or a quote within the value.
		}
		switch text[i] {
		case ' ', '\t', '\n', '"', '\'', '<', '`':
			return text[:i]
		case '\\':
			switch {
			case strings.HasPrefix(text[i:], `\ `): // A space within the value.
				i++
			case openingQuote(text[i:]) != "", strings.HasPrefix(text[i:], "\\\n"):
				return text[:i]
			}
		case ',', ';', '&':
			if nextAssignment.MatchString(text[i:]) {
				return text[:i]
			}
		case ')', ']', '}':
			if i == len(text)-1 || strings.IndexByte(" \t\n,;\"')]}", text[i+1]) >= 0 {
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

func indentOf(text string) int { return len(text) - len(strings.TrimLeft(text, " \t")) }
