package node

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// machine is what a node could leave behind: what is there beside what was there before.
type machine struct {
	Processes, Mounts, Cgroups, Files []string
	Settings                          map[string]string
}

// look notes what is there now. Processes and cgroups are those that name the folder, which holds
// all of a node.
func look(t *testing.T, folder string) machine {
	t.Helper()
	m := machine{Settings: map[string]string{}}
	processes, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range processes {
		// A process may have ended since.
		if environment, err := os.ReadFile(file); err == nil && strings.Contains(string(environment), programVariable) {
			m.Processes = append(m.Processes, file)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	m.Mounts = strings.Split(string(mounts), "\n")
	folders, err := hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		m.Files = append(m.Files, entry.Name())
		for _, hierarchy := range folders {
			if _, err := os.Stat(filepath.Join(hierarchy, entry.Name())); err == nil {
				m.Cgroups = append(m.Cgroups, filepath.Join(hierarchy, entry.Name()))
			}
		}
	}
	for name := range settings {
		value, err := os.ReadFile("/proc/sys/" + name)
		if err != nil {
			t.Fatal(err)
		}
		m.Settings[name] = string(value)
	}
	return m
}

// program starts this test binary as a program that wants a node, in a folder of its own, and
// returns when a pod runs.
func program(t *testing.T, what string) (cmd *exec.Cmd, folder string, rest *bufio.Reader) {
	t.Helper()
	folder = t.TempDir()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), programVariable+"="+what, "TMPDIR="+folder)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	rest = bufio.NewReader(out)
	if line, err := rest.ReadString('\n'); line != "a pod runs\n" {
		_ = cmd.Wait() // what it said tells more
		t.Fatalf("the program printed %q (%v)\n%s", line, err, said.String())
	}
	return cmd, folder, rest
}

// TestNothingIsLeftBehind sees a program end that has a node with a pod: by itself, by an interrupt
// and by SIGKILL.
func TestNothingIsLeftBehind(t *testing.T) {
	Require(t)
	tests := map[string]struct {
		end      func(*exec.Cmd) error
		wantCode int
	}{
		"its work is done":  {func(*exec.Cmd) error { return nil }, 7},
		"it is interrupted": {func(cmd *exec.Cmd) error { return cmd.Process.Signal(syscall.SIGINT) }, 1},
		"it is killed":      {func(cmd *exec.Cmd) error { return cmd.Process.Kill() }, -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := look(t, t.TempDir())
			what := "stay"
			if tt.wantCode == 7 {
				what = "end"
			}
			cmd, folder, rest := program(t, what)
			if what == "stay" {
				if there := look(t, folder); len(there.Processes) == 0 || len(there.Cgroups) == 0 || len(there.Files) == 0 {
					t.Errorf("the look from outside does not see a node that is there: %+v", there)
				}
			}
			if err := tt.end(cmd); err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, rest) // the end of all who could write
			if exit := (*exec.ExitError)(nil); !errors.As(cmd.Wait(), &exit) || exit.ExitCode() != tt.wantCode {
				t.Errorf("the program ended with %v, want code %d", exit, tt.wantCode)
			}
			var left string
			for end := time.Now().Add(cleanWithin); ; time.Sleep(100 * time.Millisecond) {
				if left = cmp.Diff(before, look(t, folder)); left == "" || time.Now().After(end) {
					break
				}
			}
			if left != "" {
				t.Errorf("what was there before (-) and after (+):\n%s", left)
			}
		})
	}
}

func TestWhereNoNodeCanRunASentenceSaysWhy(t *testing.T) {
	if os.Geteuid() != 0 {
		if err := CanRun(); err == nil || !strings.Contains(err.Error(), "root") {
			t.Errorf("without root: %v, want to be told that it needs root", err)
		}
		return
	}
	t.Setenv("PATH", t.TempDir())
	missing := MissingPackages()
	for _, want := range []string{"containerd", "runc", "iptables", "conntrack"} {
		if !strings.Contains(strings.Join(missing, " "), want) {
			t.Errorf("with an empty PATH %q are missing, want %s among them", missing, want)
		}
	}
}
