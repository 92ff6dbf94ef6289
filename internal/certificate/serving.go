package certificate

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Serving holds what admission is served with. The zero value serves nothing.
type Serving struct {
	// Settle is how long every API server takes at most to see a changed webhook configuration.
	Settle time.Duration

	mu      sync.RWMutex
	pair    Pair
	loaded  *tls.Certificate
	verdict Verdict
	// successor is to be served once it has been trusted for long enough.
	successor Pair
	since     time.Time
}

// Propose puts a certificate in the place of the served one, unless the API server trusts only the latter: of two that are
// renewed one after the other, such as a certificate and the caBundle that verifies it, the first must wait for the
// second, and until every API server has seen it. It returns how well admission is served, and why the offered one is not
// trusted yet; empty where it is.
func (s *Serving) Propose(offered Pair, hooks []Webhook, now time.Time) (verdict Verdict, waiting string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	judged := Judge(offered, hooks, now)
	if s.loaded != nil && !same(offered, s.pair) {
		if current := Judge(s.pair, hooks, now); current.Serves() && !s.ripe(offered, judged, now) {
			s.verdict = current
			return current, judged.unfit()
		}
	}
	s.verdict = judged
	if loaded, err := tls.X509KeyPair(offered.Certificate, offered.Key); err == nil {
		s.pair, s.loaded, s.successor = offered, &loaded, Pair{}
	}
	return judged, ""
}

// ripe says whether the offered certificate has been trusted for long enough to take the place of one that is.
func (s *Serving) ripe(offered Pair, judged Verdict, now time.Time) bool {
	if !judged.Serves() {
		s.successor = Pair{}
		return false
	}
	if !same(offered, s.successor) {
		s.successor, s.since = offered, now
	}
	return now.Sub(s.since) >= s.Settle
}

func same(a, b Pair) bool {
	return bytes.Equal(a.Certificate, b.Certificate) && bytes.Equal(a.Key, b.Key)
}

// Served is what is served; empty where nothing is.
func (s *Serving) Served() Pair {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.pair
}

// GetCertificate is that of a tls.Config.
func (s *Serving) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.loaded == nil {
		return nil, errors.New("there is no serving certificate yet")
	}
	return s.loaded, nil
}

// Ready is a check of readiness: the API server trusts what is served.
func (s *Serving) Ready(*http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.verdict.Serves() {
		return nil
	}
	if s.verdict.State == Unknown {
		return errors.New("the serving certificate was not looked at yet")
	}
	return fmt.Errorf("%s", s.verdict.Reason)
}
