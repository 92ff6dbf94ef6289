package mask

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// reading is a text as a person would read it: without what cannot be seen, with percent-encoding,
// escapes of JSON and Go and entities of XML decoded, and with Latin letters in place of those that
// look like them. Credentials are found in the reading and hidden in the text.
type reading struct {
	text string
	// at holds where each byte of text begins in the original, and the original's length. It is nil
	// where both are the same.
	at []int
	// encoded says which bytes stand for more than one of the original.
	encoded []bool
}

// sequences control a terminal (ECMA-48).
var sequences = regexp.MustCompile("\x1b(?:[PX\\]^_][^\x07\x1b]*(?:\x07|\x1b\\\\)|\\[[0-?]*[ -/]*[@-~]|[@-Z\\\\-_])")

// entities are those of XML and HTML that hide what assigns or quotes.
var entities = map[string]rune{
	"quot": '"', "apos": '\'', "equals": '=', "colon": ':', "lt": '<', "gt": '>', "amp": '&',
	"#34": '"', "#39": '\'', "#61": '=', "#58": ':', "#x22": '"', "#x27": '\'', "#x3d": '=', "#x3a": ':', "#x3D": '=', "#x3A": ':',
}

// lookalikes are letters of other scripts, each with the Latin one that it looks like.
var lookalikes = func() map[rune]rune {
	all := map[rune]rune{}
	for _, pair := range strings.Fields("аa еe оo рp сc уy хx іi јj ѕs һh ԁd ԛq ԝw кk мm тt нh вb гr пn АA ВB ЕE " +
		"КK МM НH ОO РP СC ТT УY ХX ІI ЈJ ЅS ɑa οo ρp αa εe νv ιi κk τt υu χx ΑA " +
		"ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX ıi ɡg ԍg") {
		runes := []rune(pair)
		all[runes[0]] = runes[1]
	}
	return all
}()

// read returns the reading of a text.
func read(text string) reading {
	if plain(text) {
		return reading{text: text}
	}
	decoded := decode(text)
	if !strings.Contains(decoded.text, "\x1b") {
		return decoded.visible(nil)
	}
	return decoded.visible(sequences.FindAllStringIndex(decoded.text, -1))
}

// plain reports whether a text reads as it is written.
func plain(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= utf8.RuneSelf, c < ' ' && c != '\n' && c != '\t', c == 0x7f, c == '%', c == '\\', c == '&':
			return false
		}
	}
	return true
}

// decode returns a text with its escapes decoded. What ends a value where it is written as it is,
// such as a space, is only decoded by visible, which knows what is encoded.
func decode(text string) reading {
	r := reading{at: make([]int, 0, len(text)+1), encoded: make([]bool, 0, len(text))}
	var out strings.Builder
	out.Grow(len(text))
	for i := 0; i < len(text); {
		char, width := escape(text[i:])
		encoded := width > 0
		if !encoded {
			char, width = utf8.DecodeRuneInString(text[i:])
		}
		before := out.Len()
		out.WriteRune(char)
		for range out.Len() - before {
			r.at, r.encoded = append(r.at, i), append(r.encoded, encoded)
		}
		i += width
	}
	r.at, r.text = append(r.at, len(text)), out.String()
	return r
}

// escape decodes the escape at the start of a text. A width of 0 says that there is none.
func escape(text string) (char rune, width int) {
	switch text[0] {
	case '%':
		end := 1
		for strings.HasPrefix(text[end:], "25") && len(text) >= end+4 && isHex(text[end+2:end+4]) {
			end += 2
		}
		if len(text) >= end+2 && isHex(text[end:end+2]) {
			if char := hex(text[end : end+2]); char < utf8.RuneSelf {
				return char, end + 2
			}
		}
	case '\\':
		end := len(text) - len(strings.TrimLeft(text, `\`))
		digits := 0
		if end < len(text) {
			digits = map[byte]int{'u': 4, 'x': 2, 'U': 8}[text[end]]
		}
		if from := end + 1; digits > 0 && len(text) >= from+digits && isHex(text[from:from+digits]) {
			return hex(text[from : from+digits]), from + digits
		}
		switch {
		case strings.HasPrefix(text[end:], "033["):
			return '\x1b', end + 3
		case strings.HasPrefix(text[end:], "e["):
			return '\x1b', end + 1
		}
	case '&':
		if name, _, found := strings.Cut(text[1:min(len(text), 9)], ";"); found {
			if char, known := entities[name]; known {
				return char, len(name) + 2
			}
		}
	}
	return 0, 0
}

func isHex(text string) bool {
	for i := range len(text) {
		if !strings.ContainsRune("0123456789abcdefABCDEF", rune(text[i])) {
			return false
		}
	}
	return true
}

func hex(digits string) rune {
	var value rune
	for _, c := range strings.ToLower(digits) {
		value = value<<4 | rune(strings.IndexRune("0123456789abcdef", c))
	}
	return value
}

// visible drops the given ranges and what cannot be seen, and folds letters.
func (r reading) visible(drop [][]int) reading {
	kept := reading{at: make([]int, 0, len(r.at)), encoded: make([]bool, 0, len(r.encoded))}
	var out strings.Builder
	out.Grow(len(r.text))
	for i, char := range r.text {
		for len(drop) > 0 && i >= drop[0][1] {
			drop = drop[1:]
		}
		if len(drop) > 0 && i >= drop[0][0] {
			continue
		}
		before := out.Len()
		switch {
		case char == '\n' || char == '\t' || char < utf8.RuneSelf && unicode.IsPrint(char):
			out.WriteByte(byte(char))
		case char == '\r' && strings.HasPrefix(r.text[i:], "\r\n"):
		case unicode.IsSpace(char):
			out.WriteByte(' ')
		case char >= utf8.RuneSelf:
			out.WriteString(fold(char))
		}
		for range out.Len() - before {
			kept.at, kept.encoded = append(kept.at, r.at[i]), append(kept.encoded, r.encoded[i])
		}
	}
	kept.at, kept.text = append(kept.at, r.at[len(r.at)-1]), out.String()
	return kept
}

// fold returns the Latin letters that a rune looks like, or the rune itself; nothing for one that
// cannot be seen or only marks the one before.
func fold(char rune) string {
	if !unicode.IsPrint(char) {
		return ""
	}
	return strings.Map(func(base rune) rune {
		if latin, found := lookalikes[base]; found {
			return latin
		}
		if !unicode.IsPrint(base) || unicode.Is(unicode.Mn, base) {
			return -1
		}
		return base
	}, norm.NFKD.String(string(char)))
}

// origin returns where a position of the reading is in the text.
func (r reading) origin(i int) int {
	if r.at == nil {
		return i
	}
	return r.at[i]
}

// isEncoded reports whether the byte at a position stands for an escape.
func (r reading) isEncoded(i int) bool { return r.encoded != nil && i < len(r.encoded) && r.encoded[i] }
