package main

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// coverage is the percentage of a package's statements that its tests run. The name is its folder
// in the module, "." for the module itself.
type coverage struct {
	name    string
	percent float64
}

// tested is a line of `go test -cover`: "ok <tab> package <tab> 0.1s <tab> coverage: 81.2% of
// statements", or without "ok" and the time where the package has no tests.
var tested = regexp.MustCompile(`^(?:ok)?\s+(\S+)\s.*coverage: ([0-9.]+)% of statements`)

// parse reads what `go test -cover` printed, sorted by package. Packages without statements are
// left out.
func parse(out, module string) []coverage {
	var packages []coverage
	for line := range strings.Lines(out) {
		match := tested.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		percent, err := strconv.ParseFloat(match[2], 64)
		if err != nil {
			continue
		}
		name := cmp.Or(strings.TrimPrefix(strings.TrimPrefix(match[1], module), "/"), ".")
		packages = append(packages, coverage{name, percent})
	}
	slices.SortFunc(packages, func(a, b coverage) int { return strings.Compare(a.name, b.name) })
	return packages
}
