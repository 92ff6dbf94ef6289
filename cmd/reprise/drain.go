package main

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

// drainer lets a process end without cutting off a call of the API server, which keeps its connections open and may pick
// an idle one just as it is closed: a POST that fails so is not repeated.
type drainer struct {
	delay  time.Duration
	ending atomic.Bool
}

// after is a context that ends a delay after another one. Meanwhile everything is served as before, and every answer
// closes its connection: the next call goes to another replica.
func (d *drainer) after(ctx context.Context) context.Context {
	if d.delay <= 0 {
		return ctx
	}
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		d.ending.Store(true)
		time.AfterFunc(d.delay, cancel)
	})
	return late
}

// closing has a handler's answers close their connections once the process is to end.
func (d *drainer) closing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.ending.Load() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}
