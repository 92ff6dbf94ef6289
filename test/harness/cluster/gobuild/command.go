package gobuild

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Step is one command to build.
type Step struct {
	// Name is what people call it.
	Name string
	// Dir is a folder of its module.
	Dir string
	// Package is the path of its main package, as `go build` takes it in Dir.
	Package string
	// Target is the file to write. Without one the packages are compiled into Go's build cache and not
	// linked.
	Target string
	// LinkerFlags are those of `go build -ldflags`.
	LinkerFlags string
	// Env are variables beside the program's own.
	Env []string
}

// flags are those that decide what is in the cache, for `go build` and `go list` alike.
func (s Step) flags() []string { return []string{"-buildvcs=false"} }

// buildArgs are those of the go command that builds the step into target.
func (s Step) buildArgs(target string) []string {
	args := append([]string{"build", "-v"}, s.flags()...)
	if s.LinkerFlags != "" {
		args = append(args, "-ldflags", s.LinkerFlags)
	}
	return append(args, "-o", target, s.Package)
}

// stopWithin is how long an interrupted go command may clean up after itself.
const stopWithin = 10 * time.Second

// command returns a go command that is interrupted, with all that it started, when the context
// ends. It is in a process group of its own: a terminal would otherwise interrupt it first, and its
// error would hide why it ended.
func command(ctx context.Context, s Step, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = s.Dir
	// The compiler's garbage collector works less: README.md has the figures. The cache's keys do not
	// depend on it.
	if os.Getenv("GOGC") == "" {
		cmd.Env = append(os.Environ(), "GOGC=400")
	} else {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, s.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = stopWithin
	return cmd
}

// runTold runs cmd and calls told with each line of its standard error, one after another.
func runTold(cmd *exec.Cmd, told func(line string)) error {
	reader, writer := io.Pipe()
	cmd.Stderr = writer
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			told(lines.Text())
		}
		// A line that is too long for the scanner must not block the command.
		_, _ = io.Copy(io.Discard, reader)
	}()
	err := errors.Join(cmd.Run(), writer.Close())
	<-done
	return err
}
