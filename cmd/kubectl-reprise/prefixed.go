package main

import (
	"bytes"
	"io"
	"sync"
)

// prefixed writes whole lines, each with a prefix, so that what comes from several places can be told apart.
type prefixed struct {
	prefix string
	out    io.Writer
	lock   *sync.Mutex
	rest   []byte
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
	p.lock.Lock()
	defer p.lock.Unlock()
	_, err := p.out.Write(append([]byte(p.prefix), text...))
	return err
}
