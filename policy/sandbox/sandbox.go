// Package sandbox tries policies in a child process, with a limit of CPU time and of memory.
//
// The time and the memory that Rego takes to parse and compile can grow exponentially with its
// size, and some builtins allocate without end. Neither heeds a deadline, and an exhausted memory
// ends the process. So only what a child process has compiled and evaluated is compiled in the
// process that serves admission.
package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"reprise.dev/reprise/policy"
)

const (
	// maxCPU is the CPU time that a trial may take. The built-in policies take a thirtieth of it.
	maxCPU = 3 * time.Second
	// maxWait is how long a trial may take if its caller has no deadline, with little CPU to share.
	maxWait = time.Minute
	// maxQueue is the number of trials that may wait for the one that runs.
	maxQueue = 4
	// maxAnswer is the most that is read of an answer and of an error.
	maxAnswer = 1 << 20
	// maxCached is the number of results that are kept.
	maxCached = 64
)

// MaxMemory is the memory that a trial may use, in bytes. The container needs room for it beside
// the process that serves. A trial of the built-in policies takes half of it.
const MaxMemory = 96 << 20

// Errors of a trial that depend on the machine and not on the policies. They are not cached, and
// the same policies may be tried again.
var (
	ErrDeadline = errors.New("compiling and trying the policies did not finish before the deadline; simplify them, or try again if the node is busy")
	ErrBusy     = errors.New("too many policies wait to be compiled; try again")
)

// ExceededError says that policies took more than a trial may take. The same policies would again.
type ExceededError struct{ reason string }

// Error returns which limit was exceeded.
func (e *ExceededError) Error() string { return e.reason }

// Command is the argument with which cmd/reprise calls Child.
const Command = "compile-policies"

// Trial is a set of policies that is to be compiled and evaluated.
type Trial struct {
	Modules   []policy.Module
	Overrides policy.Overrides
}

// Result is the result of a trial that finished.
type Result struct {
	// Compile is the error of policy.New, with file and line; empty if there is none.
	Compile string `json:",omitempty"`
	// Timeouts are the errors of Engine.CheckTimeout by source, for those sources that have one.
	Timeouts map[string]string `json:",omitempty"`
	// Warnings are those of Engine.Warnings.
	Warnings []policy.Warning `json:",omitempty"`
}

// Sandbox runs trials, one at a time.
type Sandbox struct {
	// command returns the child process, which calls Child.
	command func(context.Context) *exec.Cmd
	running chan struct{}
	queue   chan struct{}

	mu     sync.Mutex // guards cached and recent
	cached map[[sha256.Size]byte]outcome
	recent [][sha256.Size]byte // the keys of cached, the oldest first
}

type outcome struct {
	result Result
	err    error
}

// New returns a Sandbox whose child process is a program with arguments. The program must call
// Child.
func New(program string, args ...string) *Sandbox {
	return &Sandbox{
		command: func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, program, args...) },
		running: make(chan struct{}, 1), queue: make(chan struct{}, 1+maxQueue),
		cached: map[[sha256.Size]byte]outcome{},
	}
}

// Try compiles policies and evaluates them for a small Deployment. The error is an *ExceededError,
// ErrDeadline, ErrBusy, or says why there could be no trial. The same trial is run once.
func (s *Sandbox) Try(ctx context.Context, t Trial) (Result, error) {
	t.Modules = slices.Clone(t.Modules)
	slices.SortFunc(t.Modules, func(a, b policy.Module) int { return cmp.Compare(a.File, b.File) })
	request, err := json.Marshal(t)
	if err != nil {
		return Result{}, fmt.Errorf("encoding the policies: %w", err)
	}
	key := sha256.Sum256(request)
	if known, found := s.lookUp(key); found {
		return known.result, known.err
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	leave, err := s.enter(ctx)
	if err != nil {
		return Result{}, err
	}
	defer leave()
	if known, found := s.lookUp(key); found { // It was tried while this call waited.
		return known.result, known.err
	}
	var o outcome
	o.result, o.err = s.run(ctx, request)
	var exceeded *ExceededError
	// A timeout may be due to little CPU.
	if o.err == nil && len(o.result.Timeouts) == 0 || errors.As(o.err, &exceeded) {
		s.keep(key, o)
	}
	return o.result, o.err
}

// enter waits for the trial that runs. The caller must call leave.
func (s *Sandbox) enter(ctx context.Context) (leave func(), err error) {
	select {
	case s.queue <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	select {
	case s.running <- struct{}{}:
		return func() { <-s.running; <-s.queue }, nil
	case <-ctx.Done():
		<-s.queue
		return nil, ErrDeadline
	}
}

func (s *Sandbox) lookUp(key [sha256.Size]byte) (outcome, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, found := s.cached[key]
	return o, found
}

func (s *Sandbox) keep(key [sha256.Size]byte, o outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.recent) == maxCached {
		delete(s.cached, s.recent[0])
		s.recent = s.recent[1:]
	}
	s.cached[key] = o
	s.recent = append(s.recent, key)
}

// run runs the child process.
func (s *Sandbox) run(ctx context.Context, request []byte) (Result, error) {
	var answer, failure limitedBuffer
	child := s.command(ctx)
	child.Stdin, child.Stdout, child.Stderr = bytes.NewReader(request), &answer, &failure
	child.Env = append(child.Env, "GOMAXPROCS=1", "GOMEMLIMIT="+strconv.Itoa(MaxMemory*3/4))
	child.WaitDelay = time.Second
	err := child.Run()
	var result Result
	switch {
	case err == nil:
		if err := json.Unmarshal(answer.Bytes(), &result); err != nil {
			return Result{}, fmt.Errorf("reading the result of compiling the policies: %w", err)
		}
		return result, nil
	case ctx.Err() != nil:
		return Result{}, ErrDeadline
	}
	return Result{}, failureOf(child, err, failure.String())
}

// failureOf tells a limit that the child exceeded from all other failures.
func failureOf(child *exec.Cmd, err error, text string) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("compiling the policies in a process of their own: %w", err)
	}
	status, _ := exit.Sys().(syscall.WaitStatus)
	used := child.ProcessState.UserTime() + child.ProcessState.SystemTime()
	switch {
	// The operating system ends a process by the CPU time of a sample, which may differ from used.
	case exit.ExitCode() == exitTime, status.Signaled() && used >= maxCPU/2:
		return &ExceededError{fmt.Sprintf("compiling and trying the policies took more than %s of CPU time", maxCPU)}
	case exit.ExitCode() == exitMemory, slices.ContainsFunc(memoryErrors, func(e string) bool { return strings.Contains(text, e) }),
		status.Signaled() && status.Signal() == syscall.SIGKILL:
		return &ExceededError{fmt.Sprintf("compiling and trying the policies took more than %d MiB of memory", MaxMemory>>20)}
	}
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return &ExceededError{fmt.Sprintf("compiling and trying the policies ended the process that did it: %s (%s)", line, err)}
}

// memoryErrors are in the last words of a process whose memory is used up: those of Go's runtime,
// which may need it for a value, a stack, or a further thread.
var memoryErrors = []string{
	"out of memory", "cannot allocate memory", "makeslice", "stack exceeds", "pthread_create failed", "failed to create new OS thread",
}

// limitedBuffer keeps the beginning of what is written to it.
type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(0, maxAnswer-b.Len()))])
	return len(p), nil
}
