package apitest

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// log is a container's log.
type log struct {
	lines []logLine
	// changed is closed and made anew with each change.
	changed chan struct{}
	// ended says that the container writes no more.
	ended bool
}

type logLine struct {
	at   time.Time
	text string
}

// Log appends lines to the log of a container; each is a second later than the one before.
func (s *Server) Log(pod, container string, lines ...string) {
	s.changeLog(pod, container, func(l *log) {
		for _, text := range lines {
			l.lines = append(l.lines, logLine{time.Unix(int64(1000+len(l.lines)), 0).UTC(), text})
		}
	})
}

// EndLog ends the log of a container, whose run has ended.
func (s *Server) EndLog(pod, container string) {
	s.changeLog(pod, container, func(l *log) { l.ended = true })
}

// BreakLog cuts off all who follow the log of a container.
func (s *Server) BreakLog(pod, container string) {
	s.changeLog(pod, container, func(*log) {})
}

func (s *Server) changeLog(pod, container string, change func(*log)) {
	s.lock.Lock()
	defer s.lock.Unlock()
	at := pod + "/" + container
	if s.logs[at] == nil {
		s.logs[at] = &log{}
	}
	l := *s.logs[at]
	changed := l.changed
	l.changed = make(chan struct{})
	change(&l)
	s.logs[at] = &l
	if changed != nil {
		close(changed)
	}
}

func (s *Server) serveLog(w http.ResponseWriter, r *http.Request, pod string) {
	query := r.URL.Query()
	at := pod + "/" + query.Get("container")
	if query.Get("previous") == "true" {
		at += "/previous"
	}
	s.lock.Lock()
	l := s.logs[at]
	s.lock.Unlock()
	if l == nil {
		reply(w, nil, apierrors.NewBadRequest("there is no log of "+at))
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	done := 0
	if tail, err := strconv.Atoi(query.Get("tailLines")); err == nil {
		done = max(0, len(l.lines)-tail)
	}
	since, _ := time.Parse(time.RFC3339, query.Get("sinceTime"))
	for {
		for ; done < len(l.lines); done++ {
			line := l.lines[done]
			if line.at.Before(since) {
				continue
			}
			text := line.text + "\n"
			if query.Get("timestamps") == "true" {
				text = line.at.Format(time.RFC3339Nano) + " " + text
			}
			_, _ = io.WriteString(w, text)
		}
		flush(w)
		if query.Get("follow") != "true" || l.ended {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-l.changed:
		}
		s.lock.Lock()
		was := len(l.lines)
		l = s.logs[at]
		s.lock.Unlock()
		if was == len(l.lines) && !l.ended {
			return
		}
	}
}

func asStatus(err error, into *apierrors.APIStatus) bool { return errors.As(err, into) }
