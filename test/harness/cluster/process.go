package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// grace is how long a component may take to end after SIGTERM before it is killed. Nothing of what
// it would save is kept, so it is short.
const grace = 3 * time.Second

// process is a running component. It ends with this program, however that ends (on Linux).
type process struct {
	name string
	log  string // path of the file that holds its standard output and error
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	exit error         // why it ended, valid once done is closed
}

// startProcess starts the program at path in a process group of its own, appending its output to
// log.
func startProcess(name, path, log string, args []string) (*process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	defer output.Close()
	p := &process{name: name, log: log, cmd: exec.Command(path, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = output, output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(p.cmd.SysProcAttr)
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return p, nil
}

// run starts the process and waits for it on one OS thread: the kernel sends the parent-death
// signal when the thread that forked ends, not when the program does (prctl(2), PR_SET_PDEATHSIG).
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	if p.exit = p.cmd.Wait(); p.exit == nil {
		p.exit = errors.New("exit status 0")
	}
	close(p.done)
}

func (p *process) hasEnded() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// signal sends sig to the process and to what it may have started.
func (p *process) signal(sig syscall.Signal) {
	if !p.hasEnded() {
		_ = syscall.Kill(-p.cmd.Process.Pid, sig) // it may have ended since
	}
}

// tail returns the last lines of what the process has printed.
func (p *process) tail(lines int) string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return lastLines(string(data), lines)
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// stopProcesses ends all of them at once and returns when they have ended.
func stopProcesses(processes []*process) {
	for _, p := range processes {
		p.signal(syscall.SIGTERM)
	}
	deadline := time.After(grace)
	for _, p := range processes {
		select {
		case <-p.done:
			continue
		case <-deadline:
		}
		break
	}
	for _, p := range processes {
		p.signal(syscall.SIGKILL)
		<-p.done
	}
}
