package gobuild

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// packages are those that a module's steps are made of, by import path.
type packages map[string]goPackage

// goPackage is one package of a build.
type goPackage struct {
	// bytes are those of its Go files. What it takes to compile it grows with them.
	bytes int64
	// compiled reports whether it needs not be compiled any more.
	compiled bool
}

// listFormat is a line for each package: its name, its import path, why it is stale (nothing if the
// build cache holds it), its folder and its Go files.
const listFormat = `{{.Name}}{{"\t"}}{{.ImportPath}}{{"\t"}}{{.StaleReason}}{{"\t"}}{{.Dir}}{{"\t"}}{{join .GoFiles "\t"}}`

// survey returns the packages of the steps, which are all of one module. Modules that are not there
// yet are downloaded; downloads is told of each one.
func survey(ctx context.Context, steps []Step, downloads func(module string)) (packages, error) {
	args := append([]string{"list", "-deps", "-f", listFormat}, steps[0].flags()...)
	for _, s := range steps {
		args = append(args, s.Package)
	}
	cmd := command(ctx, steps[0], args)
	var out, rest strings.Builder
	cmd.Stdout = &out
	err := runTold(cmd, func(line string) {
		if module, ok := strings.CutPrefix(line, downloading); ok {
			downloads(module)
			return
		}
		rest.WriteString(line + "\n")
	})
	if err != nil {
		return nil, fmt.Errorf("listing the packages of %s: %w\n%s", steps[0].Name, stoppedBy(ctx, err), rest.String())
	}
	return parseList(out.String(), fileSize)
}

// downloading starts the lines in which the go command tells of a download.
const downloading = "go: downloading "

// parseList reads what `go list` printed with listFormat; size returns the bytes of a file.
func parseList(list string, size func(path string) int64) (packages, error) {
	all := packages{}
	for line := range strings.Lines(list) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) < 5 {
			return nil, fmt.Errorf("listing packages: go list printed %q", line)
		}
		// A command is always stale, since it is to be linked. Its few files do not count.
		p := goPackage{compiled: fields[0] == "main" || fields[2] == ""}
		for _, file := range fields[4:] {
			p.bytes += size(filepath.Join(fields[3], file))
		}
		all[fields[1]] = p
	}
	return all, nil
}

// fileSize returns 0 for a file that cannot be read: `go build` says why, and the estimate needs no
// error.
func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
