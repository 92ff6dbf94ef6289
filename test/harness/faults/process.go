// Package faults stands between a part of the product and the API server. It shows a test every
// write of the part before it is sent, and does with it what the test decides: the part can be
// killed between any two writes, and an answer can be lost, refused or late. Everything else is the
// real client and the real API server.
package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
)

// ErrKilled is what every request meets after the process is gone.
var ErrKilled = errors.New("killed")

// Outcome is what becomes of a write.
type Outcome string

const (
	// Pass sends it.
	Pass Outcome = ""
	// KillBefore ends the process; the write is never sent.
	KillBefore Outcome = "killed before"
	// KillAfter ends the process once the write is stored, before it is answered.
	KillAfter Outcome = "killed after"
	// LoseAnswer stores it, and the process hears of a timeout.
	LoseAnswer Outcome = "answer lost at"
	// Conflict refuses it as one onto an old resourceVersion (409).
	Conflict Outcome = "conflict at"
	// Overload refuses it as one too many (429).
	Overload Outcome = "overload at"
	// Failure refuses it by an error of the API server (500).
	Failure Outcome = "server error at"
)

// Write is a write on its way to the API server. Dry runs are none.
type Write struct {
	Method, Path string
	Body         []byte
}

// Process is one life of a part of the product: from its start until it is killed or its context
// ends.
type Process struct {
	ctx    context.Context
	cancel context.CancelFunc
	decide func(Write) Outcome
	mu     sync.Mutex
}

// NewProcess begins a life. decide is asked about one write at a time, and may change the cluster
// meanwhile.
func NewProcess(ctx context.Context, decide func(Write) Outcome) *Process {
	p := &Process{decide: decide}
	p.ctx, p.cancel = context.WithCancel(ctx)
	return p
}

// Context ends with the process.
func (p *Process) Context() context.Context { return p.ctx }

// Kill ends the process: nothing reaches the API server any more.
func (p *Process) Kill() { p.cancel() }

// Config is a client configuration by which all that is sent belongs to the process.
func (p *Process) Config(base *rest.Config, lag Lag) *rest.Config {
	config := rest.CopyConfig(base)
	config.ContentType = "application/json" // A test can read what is written.
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return sender(func(r *http.Request) (*http.Response, error) {
			switch {
			case p.ctx.Err() != nil:
				return nil, ErrKilled
			case isWrite(r):
				return p.write(r, next)
			default:
				return lag.read(r, next)
			}
		})
	})
	return config
}

// sender is a function as a http.RoundTripper.
type sender func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (s sender) RoundTrip(r *http.Request) (*http.Response, error) { return s(r) }

func isWrite(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && !r.URL.Query().Has("dryRun")
}

func (p *Process) write(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	switch outcome := p.next(Write{Method: r.Method, Path: r.URL.Path, Body: body}); outcome {
	case KillBefore:
		return nil, ErrKilled
	case KillAfter:
		err := store(r, next)
		p.Kill()
		return nil, errors.Join(ErrKilled, err)
	case LoseAnswer:
		return nil, errors.Join(fmt.Errorf("awaiting the answer: %w", os.ErrDeadlineExceeded), store(r, next))
	case Conflict, Overload, Failure:
		return refusal(r, outcome), nil
	default:
		return next.RoundTrip(r)
	}
}

// next decides about a write, and kills before any other is decided about.
func (p *Process) next(w Write) Outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return KillBefore
	}
	outcome := p.decide(w)
	if outcome == KillBefore {
		p.Kill()
	}
	return outcome
}

// store sends a write whose answer nobody hears.
func store(r *http.Request, next http.RoundTripper) error {
	answer, err := next.RoundTrip(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return errors.Join(err, answer.Body.Close())
}

func refusal(r *http.Request, outcome Outcome) *http.Response {
	code, reason := http.StatusInternalServerError, "InternalError"
	switch outcome {
	case Conflict:
		code, reason = http.StatusConflict, "Conflict"
	case Overload:
		code, reason = http.StatusTooManyRequests, "TooManyRequests"
	}
	return answer(r, code, reason, "injected by a test")
}

// answer is what the API server says where it refuses.
func answer(r *http.Request, code int, reason, message string) *http.Response {
	status := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"message":%q,"code":%d}`, reason, message, code)
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(status)),
		Body: io.NopCloser(strings.NewReader(status)),
	}
}
