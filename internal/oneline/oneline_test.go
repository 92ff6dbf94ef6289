package oneline

import (
	"testing"
	"unicode/utf8"
)

func TestOf(t *testing.T) {
	tests := []struct{ reason, text, want string }{
		{"plain text stays", "pods fail: OOMKilled (exit 137)", "pods fail: OOMKilled (exit 137)"},
		{"whitespace is one space", " a\t b\r\n\n c\u00a0d\u2028e ", "a b c d e"},
		{"colors are dropped", "\x1b[31mred\x1b[0m text", "red text"},
		{"a window's title is dropped with its text", "\x1b]0;owned\x07ready", "ready"},
		{"a link is dropped, its text stays", "\x1b]8;;http://x\x1b\\here\x1b]8;;\x1b\\", "here"},
		{"a string without an end loses its beginning", "\x1b]0;rest", "0;rest"},
		{"a two-character sequence is dropped", "\x1bMup", "up"},
		{"a sequence with a space in it does not leave one", "a\x1b[2 qb", "ab"},
		{"other controls are dropped", "a\x00b\x07c\x7fd\u009be", "abcde"},
		{"bidirectional overrides are dropped", "user\u202etxt.exe\u2066", "usertxt.exe"},
		{"zero-width characters are dropped", "cr\u200bed\u200d\ufeffit", "credit"},
		{"invalid UTF-8 is replaced", "a\xffb", "a\ufffdb"},
		{"letters of other scripts and combining marks stay", "größe 数 e\u0301", "größe 数 e\u0301"},
	}
	for _, tt := range tests {
		if got := Of(tt.text); got != tt.want {
			t.Errorf("%s: Of(%q) = %q, want %q", tt.reason, tt.text, got, tt.want)
		}
		if got := Of(Of(tt.text)); got != Of(tt.text) {
			t.Errorf("%s: Of is not stable: %q, then %q", tt.reason, Of(tt.text), got)
		}
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{"\tat  main.go:7": " at  main.go:7", "a\x1b[2Jb\rc": "ab c"} {
		if got := Clean(text); got != want {
			t.Errorf("Clean(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"plain\ttext": "plain\ttext", "a\x1b[0m": `a\x1b[0m`, "a\u200bb\n": `a\u200bb\n`, "\xff": "\ufffd",
	} {
		if got := Escape(text); got != want {
			t.Errorf("Escape(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCutBytes(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{
		{"short", 5, "short"}, {"longer text", 8, "longe…"}, {"äöü", 5, "ä…"}, {"äöü", 6, "äöü"}, {"abcdef", 2, "…"},
	} {
		got := CutBytes(tt.text, tt.limit)
		if got != tt.want || !utf8.ValidString(got) {
			t.Errorf("CutBytes(%q, %d) = %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}

func TestCutRunes(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{
		{"äöü", 3, "äöü"}, {"äöüß", 3, "äö…"}, {"ab", 1, "…"}, {"ab", 0, "…"},
	} {
		if got := CutRunes(tt.text, tt.limit); got != tt.want {
			t.Errorf("CutRunes(%q, %d) = %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}

func TestPrefix(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{
		{"abc", 3, "abc"}, {"abc", 2, "ab"}, {"aä", 2, "a"}, {"ä", -1, ""},
	} {
		if got := Prefix(tt.text, tt.limit); got != tt.want {
			t.Errorf("Prefix(%q, %d) = %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}
