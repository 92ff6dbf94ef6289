package gobuild

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Run builds the steps one after another and tells out beforehand what is built and about how long
// it takes, and then how far it is. Steps without a target that take seconds are left, in silence,
// to the `go run` that follows. When the context ends, it says what the next run goes on from. A
// target is there when it is complete, or not at all.
func Run(ctx context.Context, out io.Writer, steps []Step) error {
	if len(steps) == 0 {
		return nil
	}
	r := &run{display: newDisplay(out, time.Now()), steps: steps, start: time.Now()}
	err := r.all(ctx)
	r.display.clear()
	if ctx.Err() != nil {
		r.display.say("Stopped: %s.", r.stopped())
	}
	return err
}

// run is one call of Run.
type run struct {
	display  *display
	steps    []Step
	start    time.Time
	modules  map[string]packages // by the folders of the steps
	progress progress
	built    int // steps
}

func (r *run) all(ctx context.Context) error {
	if err := r.survey(ctx); err != nil {
		return err
	}
	r.progress = workOf(r.modules, r.steps, runtime.GOMAXPROCS(0))
	if !linked(r.steps) && r.progress.rest(0) < brief {
		return nil
	}
	r.display.say("Building %s: %s.", list(names(r.steps)), r.outlook())
	r.start = time.Now()
	for _, s := range r.steps {
		if err := r.build(ctx, s); err != nil {
			return err
		}
		r.built++
	}
	r.display.say("Built %s in %s.", list(names(r.steps)), rounded(time.Since(r.start)))
	return nil
}

// linked reports whether any step has a target.
func linked(steps []Step) bool {
	return slices.ContainsFunc(steps, func(s Step) bool { return s.Target != "" })
}

// survey finds what has to be compiled.
func (r *run) survey(ctx context.Context) error {
	r.modules = map[string]packages{}
	downloads := 0
	for _, s := range r.steps {
		if r.modules[s.Dir] != nil {
			continue
		}
		var same []Step
		for _, other := range r.steps {
			if other.Dir == s.Dir {
				same = append(same, other)
			}
		}
		all, err := survey(ctx, same, func(module string) {
			downloads++
			now := time.Now()
			r.display.show(fmt.Sprintf("downloading Go modules, %d so far, %s: %s", downloads, rounded(now.Sub(r.start)), module), now)
		})
		if err != nil {
			return err
		}
		r.modules[s.Dir] = all
	}
	return nil
}

// workOf returns what is to be done for the steps.
func workOf(modules map[string]packages, steps []Step, cores int) progress {
	p := progress{cores: cores}
	for _, all := range modules {
		for _, one := range all {
			if !one.compiled {
				p.packages++
				p.work += one.bytes
			}
		}
	}
	for _, s := range steps {
		if s.Target != "" {
			p.work += linking
		}
	}
	return p
}

// outlook says how much there is to do and how long it takes.
func (r *run) outlook() string {
	if r.progress.packages == 0 {
		return "all is compiled, to link it takes " + about(r.progress.rest(0))
	}
	return fmt.Sprintf("%s packages, %s on %d cores. Ctrl-C stops it, and the next run goes on from there",
		thousands(r.progress.packages), about(r.progress.rest(0)), r.progress.cores)
}

// stopped says what is done and what is not.
func (r *run) stopped() string {
	kept := "Go keeps what was compiled, and the next run goes on from there"
	if r.built == 0 {
		return kept
	}
	return fmt.Sprintf("%s built, %s not. %s", list(names(r.steps[:r.built])), list(names(r.steps[r.built:])), kept)
}

// build builds one step.
func (r *run) build(ctx context.Context, s Step) error {
	target := os.DevNull
	if s.Target != "" {
		target = fmt.Sprintf("%s.%d", s.Target, os.Getpid())
		defer os.Remove(target)
	}
	lines, finished := make(chan string), make(chan error, 1)
	go func() {
		finished <- runTold(command(ctx, s, s.buildArgs(target)), func(line string) { lines <- line })
	}()
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	var output []string
	for {
		select {
		case line := <-lines:
			if !r.compiling(s, line) {
				output = append(output, line)
			}
			continue
		case now := <-ticker.C:
			r.display.show(r.progress.line(r.title(s), now.Sub(r.start)), now)
			continue
		case err := <-finished:
			if err == nil && s.Target != "" {
				err = os.Rename(target, s.Target)
			}
			if err != nil {
				return fmt.Errorf("building %s: %w\n%s", s.Name, stoppedBy(ctx, err), tail(output))
			}
		}
		if s.Target != "" {
			r.progress.workDone += linking
		}
		return nil
	}
}

// compiling counts the package that a line of `go build -v` names, and reports whether the line
// names one.
func (r *run) compiling(s Step, line string) bool {
	p, ok := r.modules[s.Dir][line]
	if ok && !p.compiled {
		p.compiled = true
		r.modules[s.Dir][line] = p
		r.progress.packagesDone++
		r.progress.workDone += p.bytes
	}
	return ok || strings.HasPrefix(line, downloading)
}

// title names a step and which of them it is.
func (r *run) title(s Step) string {
	if len(r.steps) == 1 {
		return s.Name
	}
	return fmt.Sprintf("%s (%d of %d)", s.Name, r.built+1, len(r.steps))
}

// stoppedBy returns why the context ended, if it did: that the go command was interrupted follows
// from it.
func stoppedBy(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// tail joins the last lines, which hold the error.
func tail(lines []string) string {
	const enough = 20
	return strings.Join(lines[max(0, len(lines)-enough):], "\n")
}

func names(steps []Step) []string {
	all := make([]string, len(steps))
	for i, s := range steps {
		all[i] = s.Name
	}
	return all
}

// list joins names as a sentence does.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
