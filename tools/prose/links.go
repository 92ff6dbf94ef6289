package main

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

var (
	// inline is [text](target), reference is [name]: target; a title behind the target is left out.
	inline    = regexp.MustCompile(`\]\(\s*<?([^)\s>]+)[^)]*\)`)
	reference = regexp.MustCompile(`^\s{0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)`)
	heading   = regexp.MustCompile(`^#{1,6}\s+(.+?)\s*#*\s*$`)
	codeSpan  = regexp.MustCompile("`[^`]*`")
	linked    = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// deadLinks finds links of Markdown pages to files and headings that are not in the repository.
// Addresses of the web are not looked at: nothing here depends on the network.
func deadLinks(root string) ([]finding, error) {
	pages := map[string][]string{}
	err := walk(root, ".md", func(path string, content []byte) error {
		pages[path] = outsideFences(string(content))
		return nil
	})
	if err != nil {
		return nil, err
	}
	anchors := map[string]map[string]bool{}
	for path, text := range pages {
		anchors[path] = headings(text)
	}
	var found []finding
	for path, text := range pages {
		for i, l := range text {
			for _, target := range targets(l) {
				dead, err := isDead(root, path, target, anchors)
				if err != nil {
					return nil, err
				}
				if dead != "" {
					found = append(found, finding{file: path, line: i + 1, text: dead})
				}
			}
		}
	}
	return found, nil
}

// outsideFences returns the lines of a page, those of fenced code emptied.
func outsideFences(page string) []string {
	text := strings.Split(page, "\n")
	fence := ""
	for i, l := range text {
		trimmed := strings.TrimSpace(l)
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			}
			text[i] = ""
		case strings.HasPrefix(trimmed, "```"), strings.HasPrefix(trimmed, "~~~"):
			fence = trimmed[:3]
			text[i] = ""
		}
	}
	return text
}

func targets(line string) []string {
	line = codeSpan.ReplaceAllString(line, "")
	var found []string
	for _, match := range append(inline.FindAllStringSubmatch(line, -1), reference.FindAllStringSubmatch(line, -1)...) {
		found = append(found, match[1])
	}
	return found
}

// isDead returns what a link lacks, or nothing.
func isDead(root, page, target string, anchors map[string]map[string]bool) (string, error) {
	link, err := url.Parse(target)
	if err != nil || link.Scheme != "" || link.Host != "" {
		return "", nil
	}
	path := page
	if link.Path != "" {
		path = filepath.ToSlash(filepath.Join(filepath.Dir(page), link.Path))
		if _, err := os.Stat(filepath.Join(root, path)); errors.Is(err, fs.ErrNotExist) {
			return target + ": there is no such file", nil
		} else if err != nil {
			return "", err
		}
	}
	if known, isPage := anchors[path]; isPage && link.Fragment != "" && !known[link.Fragment] {
		return target + ": there is no such heading", nil
	}
	return "", nil
}

// headings returns the anchors of a page's headings, made as GitHub makes them: in lower case,
// letters, digits, hyphens and underscores only, a hyphen for each space, and a number for each
// that is there already.
func headings(text []string) map[string]bool {
	anchors := map[string]bool{}
	for _, l := range text {
		match := heading.FindStringSubmatch(l)
		if match == nil {
			continue
		}
		title := linked.ReplaceAllString(match[1], "$1")
		anchor := strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, title)
		unique := anchor
		for n := 1; anchors[unique]; n++ {
			unique = anchor + "-" + strconv.Itoa(n)
		}
		anchors[unique] = true
	}
	return anchors
}
