package mask

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"sync"

	ahocorasick "github.com/BobuSumisu/aho-corasick"
	"github.com/pelletier/go-toml/v2"
	"github.com/zricethezav/gitleaks/v8/config"
)

// rule is one of gitleaks' that finds a kind of credential by its form.
type rule struct {
	ID          string
	Regex       string
	Keywords    []string
	Entropy     float64
	SecretGroup int

	compiled func() *regexp.Regexp
}

// ruleSet holds the rules, and which of them a text may match.
type ruleSet struct {
	rules []rule
	// keywords finds them in lower case; byKeyword lists the rules of each.
	keywords  *ahocorasick.Trie
	byKeyword map[string][]int
}

// boundary ends the patterns of most rules: a quote, a space or the end. In running text anything
// may follow a credential, so it is left out.
const boundary = `(?:[\x60'"\s;]|\\[nr]|$)`

// excluded are rules for what Reprise finds in its own way, by the names that assign: theirs needs
// lists of words that occur in source code.
var excluded = map[string]bool{"generic-api-key": true, "private-key": true, "jwt": true, "kubernetes-secret-yaml": true}

// gitleaks returns the rules of gitleaks' default configuration. Each pattern is compiled when a
// text first holds one of its keywords: most never are, and all together take 30 MB.
var gitleaks = sync.OnceValue(func() ruleSet {
	var parsed struct{ Rules []rule }
	if err := toml.Unmarshal([]byte(config.DefaultConfig), &parsed); err != nil {
		panic(fmt.Sprintf("reading gitleaks' rules: %v", err)) // They are built in, and tested.
	}
	set := ruleSet{byKeyword: map[string][]int{}}
	for _, r := range parsed.Rules {
		if r.Regex == "" || excluded[r.ID] {
			continue
		}
		pattern := strings.TrimSuffix(r.Regex, boundary)
		r.compiled = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
		for _, keyword := range r.Keywords {
			set.byKeyword[strings.ToLower(keyword)] = append(set.byKeyword[strings.ToLower(keyword)], len(set.rules))
		}
		set.rules = append(set.rules, r)
	}
	words := ahocorasick.NewTrieBuilder()
	for keyword := range set.byKeyword {
		words.AddString(keyword)
	}
	set.keywords = words.Build()
	return set
})

// find adds what the rules match in a text.
func (s ruleSet) find(text, lower string, found *spans) {
	done := map[int]bool{}
	for _, match := range s.keywords.MatchString(lower) {
		for _, index := range s.byKeyword[match.MatchString()] {
			if !done[index] {
				done[index] = true
				s.rules[index].find(text, found)
			}
		}
	}
}

func (r rule) find(text string, found *spans) {
	for _, match := range r.compiled().FindAllStringSubmatchIndex(text, -1) {
		group := r.SecretGroup
		if group == 0 && len(match) > 2 && match[2] >= 0 {
			group = 1
		}
		from, to := match[2*group], match[2*group+1]
		if from < 0 || harmless(text[from:to]) || entropy(text[from:to]) < r.Entropy {
			continue
		}
		found.add(from, to+len(word(text[to:])))
	}
}

// word returns the word at the start of a text, of what credentials are made of.
func word(text string) string {
	end := 0
	for end < len(text) && inWord(text[end]) {
		end++
	}
	return text[:end]
}

func inWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// entropy returns Shannon's entropy of a text, in bits per byte.
func entropy(text string) float64 {
	var counts [256]int
	for i := range len(text) {
		counts[text[i]]++
	}
	bits := 0.0
	for _, count := range counts {
		if count > 0 {
			share := float64(count) / float64(len(text))
			bits -= share * math.Log2(share)
		}
	}
	return bits
}
