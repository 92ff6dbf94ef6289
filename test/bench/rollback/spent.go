package main

import (
	"context"
	"time"
)

// spent is what a time cost.
type spent struct {
	at time.Time
	// took is the time itself, apiServer and reprise the seconds that they were on a core.
	took               time.Duration
	apiServer, reprise float64
	// resident is Reprise's memory in bytes at its end.
	resident float64
}

// spending is what was spent since the processes began.
func (st *stage) spending(ctx context.Context) (spent, error) {
	server, err := st.OfAPIServer(ctx, "process_cpu_seconds_total")
	if err != nil {
		return spent{}, err
	}
	own, err := st.OfReprise(ctx, "process_cpu_seconds_total", "process_resident_memory_bytes")
	if err != nil {
		return spent{}, err
	}
	return spent{at: time.Now(), apiServer: server[0], reprise: own[0], resident: own[1]}, nil
}

// since is what was spent after an earlier time.
func (s spent) since(before spent) spent {
	return spent{
		at: s.at, took: s.at.Sub(before.at), apiServer: s.apiServer - before.apiServer, reprise: s.reprise - before.reprise, resident: s.resident,
	}
}
