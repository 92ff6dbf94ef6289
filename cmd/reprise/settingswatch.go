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
	// lookEvery is how often the configuration file is read. Its content is compared, instead of the file being watched:
	// the kubelet brings a ConfigMap's change by swapping a link, a minute late, and a watch of a file that is swapped
	// away has to be made anew, and misses what happens meanwhile. Reading a small file costs nothing.
	lookEvery = 2 * time.Second
	// tryAgain is how long a content rests that could not be put in force for a reason outside of it: the API server
	// did not answer, or a policy that it names may come.
	tryAgain = 30 * time.Second
)

// sight is what reading the file brought: its content, or why there is none.
type sight struct {
	content, problem string
}

// NeedLeaderElection says that every replica follows the configuration: every replica serves admission.
func (*settings) NeedLeaderElection() bool { return false }

// Start follows the file until ctx is done. A content counts once it was read twice: who writes it may not have finished.
func (s *settings) Start(ctx context.Context) error {
	s.log.Info("Reprise runs, and follows its configuration", "version", version.String(), "file", s.path)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var last, settled sight
	var again time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			seen := look(s.path)
			if seen == last && (seen != settled || !again.IsZero() && now.After(again)) {
				settled, again = seen, time.Time{}
				if !s.settle(ctx, seen) {
					again = now.Add(tryAgain)
				}
			}
			last = seen
		}
	}
}

// settle puts what was seen in force, or says why not. It is false where the same may succeed later.
func (s *settings) settle(ctx context.Context, seen sight) bool {
	var err error
	if seen.problem != "" {
		err = errors.New(seen.problem)
	} else {
		err = s.take(ctx, seen.content)
	}
	if err == nil || ctx.Err() != nil {
		return true
	}
	s.refuse(ctx, seen.content, err)
	var mistakes config.Mistakes
	return errors.As(err, &mistakes)
}

func look(path string) sight {
	content, err := os.ReadFile(path)
	if err != nil {
		return sight{problem: err.Error()}
	}
	return sight{content: string(content)}
}
