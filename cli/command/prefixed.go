package command

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// prefixed writes whole lines, each with a prefix, so that what comes from several places can be told apart.
type prefixed struct {
	prefix string
	out    io.Writer
	lock   *sync.Mutex
	// since is nil, or lines begin with their time: that is left out, and so are lines that are not newer than since, which
	// moves on with them.
	since *time.Time
	rest  []byte
}

// newPrefixed writes lines of a container as kubectl logs --prefix does.
func newPrefixed(pod, container string, out io.Writer, lock *sync.Mutex) *prefixed {
	return &prefixed{prefix: "[pod/" + pod + "/" + container + "] ", out: out, lock: lock}
}

// Write implements io.Writer.
func (p *prefixed) Write(text []byte) (int, error) {
	p.rest = append(p.rest, text...)
	for {
		end := bytes.IndexByte(p.rest, '\n')
		if end < 0 {
			return len(text), nil
		}
		if err := p.line(p.rest[:end+1]); err != nil {
			return 0, err
		}
		p.rest = p.rest[end+1:]
	}
}

// end writes a last line that has no end.
func (p *prefixed) end() error {
	if len(p.rest) == 0 {
		return nil
	}
	return p.line(append(p.rest, '\n'))
}

func (p *prefixed) line(text []byte) error {
	if p.since != nil {
		stamp, rest, _ := bytes.Cut(text, []byte(" "))
		at, err := time.Parse(time.RFC3339Nano, string(stamp))
		if err == nil && !at.After(*p.since) {
			return nil // It was written before the connection broke.
		}
		if err == nil {
			*p.since, text = at, rest
		}
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	_, err := p.out.Write(append([]byte(p.prefix), text...))
	return err
}
