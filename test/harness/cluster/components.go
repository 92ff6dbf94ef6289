package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
	"time"
)

// errPortTaken tells that a component ended because something else listens on its port.
var errPortTaken = errors.New("the port was taken by another program")

// poll is how often a component is asked whether it is ready.
const poll = 100 * time.Millisecond

// RunBeside starts another program, such as the product, that ends with the cluster at the latest,
// and waits until ready returns no error. Logs knows it by name. stop ends it (SIGTERM, and after a
// few seconds SIGKILL) and may be called again; it can then be started anew under the same name.
func (c *Cluster) RunBeside(ctx context.Context, name, path string, args []string, ready func(context.Context) error) (stop func(), err error) {
	p, err := c.launch(name, path, args)
	if err != nil {
		return nil, err
	}
	stop = func() {
		stopProcesses([]*process{p})
		c.forget(p)
	}
	if err := c.waitFor(ctx, p, ready); err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

// Await waits until a program that RunBeside started is ready, in the same way.
func (c *Cluster) Await(ctx context.Context, name string, ready func(context.Context) error) error {
	return c.waitFor(ctx, c.running(name), ready)
}

// Kill ends a program that RunBeside started as the loss of its node would: it saves nothing and
// hands nothing over.
func (c *Cluster) Kill(name string) {
	p := c.running(name)
	p.signal(syscall.SIGKILL)
	<-p.done
	c.forget(p)
}

// Terminate ends a program that RunBeside started as the kubelet ends a pod: it may take as long as
// it needs to ctx's end, when it is killed and that is an error.
func (c *Cluster) Terminate(ctx context.Context, name string) error {
	p := c.running(name)
	p.signal(syscall.SIGTERM)
	defer c.forget(p)
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.signal(syscall.SIGKILL)
		<-p.done
		return fmt.Errorf("%s did not end: %w", name, ctx.Err())
	}
}

func (c *Cluster) launch(name, path string, args []string) (*process, error) {
	p, err := startProcess(name, path, c.logFile(name), args)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.processes = append(c.processes, p)
	return p, nil
}

func (c *Cluster) forget(p *process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.processes = slices.DeleteFunc(c.processes, func(other *process) bool { return other == p })
}

// run starts a component and waits until it is ready, if it can be asked. port is the one that it
// listens on, 0 if none.
func (c *Cluster) run(ctx context.Context, name string, args []string, port int, ready func(context.Context) error) error {
	p, err := c.launch(name, c.binaries[name], args)
	if err != nil || ready == nil {
		return err
	}
	err = c.waitFor(ctx, p, ready)
	if err != nil && port != 0 && p.hasEnded() && isTaken(port) {
		return fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return err
}

// readyWithin bounds the wait for one component, whatever the context allows.
const readyWithin = 90 * time.Second

// waitFor returns when ready does without an error. It gives up, with the end of the component's
// log, when the component has ended, at the end of ctx, or after readyWithin.
func (c *Cluster) waitFor(ctx context.Context, p *process, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		last := ready(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended (%w), its log:\n%s", p.name, p.exit, p.tail(15))
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready (%w): %w, its log:\n%s", p.name, ctx.Err(), last, p.tail(15))
		case <-time.After(poll):
		}
	}
}

// running returns the process of a component that has been started.
func (c *Cluster) running(name string) *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.processes {
		if p.name == name {
			return p
		}
	}
	panic("cluster: " + name + " was never started")
}

func isTaken(port int) bool {
	listener, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return true
	}
	listener.Close()
	return false
}
