package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// A program that wants a node becomes three processes: itself, which builds and waits; a keeper,
// which starts the node and cleans up after it; and the first process inside the namespaces, which
// does the program's work.
const (
	roleVariable   = "REPRISE_NODE_ROLE"
	folderVariable = "REPRISE_NODE_FOLDER" // everything that the node writes; removed by the keeper

	roleKeeper = "keeper"
	roleInside = "inside"

	// namePrefix begins the name of a node's folder and of its cgroups.
	namePrefix = "reprise-node-"
	// begin is what the keeper is told when everything is built. The end of what tells it is the end
	// of the program.
	begin = 'b'
	// cleanWithin bounds how long the processes of a node may take to be gone after they were killed.
	cleanWithin = 20 * time.Second
)

// enter is what the program does outside: it builds, has the keeper start the node, and returns the
// code of the work.
func enter(options Options) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	folder, err := os.MkdirTemp("", namePrefix)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	keeper, tell, err := startKeeper(folder)
	if err != nil {
		fmt.Fprintln(os.Stderr, errors.Join(err, os.RemoveAll(folder)))
		return 1
	}
	// Without a word the keeper only cleans up.
	err = prepare(ctx, folder, options)
	if err != nil {
		fmt.Fprintf(os.Stderr, "preparing a node: %v\n", err)
	} else if _, err = tell.Write([]byte{begin}); err != nil {
		fmt.Fprintf(os.Stderr, "starting a node: %v\n", err)
	}
	if err != nil {
		tell.Close()
	}
	defer context.AfterFunc(ctx, func() { tell.Close() })()
	if ended := keeper.Wait(); ended != nil || err != nil {
		return max(1, keeper.ProcessState.ExitCode())
	}
	return 0
}

// startKeeper starts this program as the keeper of the folder, and returns what to tell it by.
func startKeeper(folder string) (*exec.Cmd, *os.File, error) {
	listen, tell, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("starting the keeper of a node: %w", err)
	}
	defer listen.Close()
	self, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("starting the keeper of a node: %w", err)
	}
	keeper := exec.Command(self, os.Args[1:]...)
	keeper.Env = append(os.Environ(), roleVariable+"="+roleKeeper, folderVariable+"="+folder)
	keeper.Stdin, keeper.Stdout, keeper.Stderr = listen, os.Stdout, os.Stderr
	// A key that interrupts the program must not reach the keeper before it has cleaned up.
	keeper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := keeper.Start(); err != nil {
		return nil, nil, fmt.Errorf("starting the keeper of a node: %w", err)
	}
	return keeper, tell, nil
}

// keep is what the keeper does: it starts the program inside of new namespaces once it is told to,
// ends it with the program outside, however that ends, and removes what is left. It returns the
// code of the program inside.
func keep() int {
	// The kernel ends the node with the thread that started it.
	runtime.LockOSThread()
	folder := os.Getenv(folderVariable)
	word := make([]byte, 1)
	code := 1
	if n, _ := os.Stdin.Read(word); n == 1 && word[0] == begin {
		var err error
		if code, err = runInside(folder); err != nil {
			fmt.Fprintf(os.Stderr, "running a node: %v\n", err)
		}
	}
	if err := clean(folder); err != nil {
		fmt.Fprintf(os.Stderr, "cleaning up after a node: %v\n", err)
		return 1
	}
	return code
}

func runInside(folder string) (int, error) {
	if err := makeCgroups(filepath.Base(folder)); err != nil {
		return 1, err
	}
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	args := append([]string{"--pdeathsig", "KILL"}, unsharing...)
	inside := exec.Command("setpriv", append(append(args, self), os.Args[1:]...)...)
	// There is no network to fetch modules by, and it is sooner said by the go command than by a
	// timeout.
	inside.Env = append(os.Environ(), roleVariable+"="+roleInside, "TMPDIR="+filepath.Join(folder, "tmp"), "GOPROXY=off")
	inside.Stdout, inside.Stderr = os.Stdout, os.Stderr
	if err := inside.Start(); err != nil {
		return 1, err
	}
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1)) // nothing more is told: this returns when the program outside has ended
		_ = inside.Process.Kill()
	}()
	err = inside.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return max(1, exit.ExitCode()), nil
	}
	return 0, err
}

// clean removes the cgroups and the folder of a node. Its processes are killed by the kernel, which
// takes a moment.
func clean(folder string) error {
	for end := time.Now().Add(cleanWithin); ; time.Sleep(50 * time.Millisecond) {
		err := errors.Join(removeCgroups(filepath.Base(folder)), os.RemoveAll(folder))
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}
