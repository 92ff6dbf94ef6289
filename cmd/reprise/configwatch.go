package main

import (
	"context"
	"errors"
	"os"
	"time"

	"reprise.dev/reprise/internal/config"
	"reprise.dev/reprise/internal/version"
)

const (
	// pollInterval is how often the configuration file is read. Polling is simpler than a watch: the
	// kubelet updates a mounted ConfigMap by replacing a symbolic link, which ends the watch of the
	// file behind it.
	pollInterval = 2 * time.Second
	// retryInterval is the pause before a content is applied again that failed for an external reason:
	// the API server did not answer, or the content names a policy that may be created later.
	retryInterval = 30 * time.Second
)

// fileState is the result of reading the configuration file: its content, or an error.
type fileState struct {
	content, err string
}

// configWatch decides when a state of the file is applied.
type configWatch struct {
	last, applied fileState
	// retryAt is zero if the applied state needs no retry.
	retryAt time.Time
}

// due reports whether to apply a state now. A new state must be read twice, since its writer may
// not have finished.
func (w *configWatch) due(state fileState, now time.Time) bool {
	stable := state == w.last
	w.last = state
	if !stable || state == w.applied && (w.retryAt.IsZero() || !now.After(w.retryAt)) {
		return false
	}
	w.applied, w.retryAt = state, time.Time{}
	return true
}

// NeedLeaderElection returns false: every replica serves admission and needs the configuration.
func (*liveConfig) NeedLeaderElection() bool { return false }

// Start polls the file until ctx is done.
func (l *liveConfig) Start(ctx context.Context) error {
	l.log.Info("Reprise started", "version", version.String(), "file", l.path)
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	var watch configWatch
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			l.poll(ctx, &watch, now)
		}
	}
}

// poll reads the file once, and applies or rejects its content if that is due.
func (l *liveConfig) poll(ctx context.Context, watch *configWatch, now time.Time) {
	state := readFile(l.path)
	if !watch.due(state, now) {
		return
	}
	err := l.applyState(ctx, state)
	if err == nil || ctx.Err() != nil {
		return
	}
	l.reject(ctx, state.content, err)
	var invalid config.ValidationErrors
	if !errors.As(err, &invalid) {
		watch.retryAt = now.Add(retryInterval)
	}
}

func (l *liveConfig) applyState(ctx context.Context, state fileState) error {
	if state.err != "" {
		return errors.New(state.err)
	}
	return l.apply(ctx, state.content)
}

func readFile(path string) fileState {
	content, err := os.ReadFile(path)
	if err != nil {
		return fileState{err: err.Error()}
	}
	return fileState{content: string(content)}
}
