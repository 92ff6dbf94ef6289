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

// Serving holds the serving certificate of admission. The zero value has none. It is safe for
// concurrent use.
type Serving struct {
	// PropagationDelay is how long every API server takes at most to see a changed webhook
	// configuration.
	PropagationDelay time.Duration

	mu     sync.RWMutex
	pair   Pair
	loaded *tls.Certificate
	result Result
	// successor replaces the pair after it has been trusted for the delay; since is when that began.
	successor Pair
	since     time.Time
}

// Propose replaces the served certificate, unless the API server trusts the served one and not yet
// the proposed one: a certificate and its caBundle are renewed one after the other, and every API
// server must see the new caBundle first. It returns the state of the served certificate, and why
// the proposed one is not trusted yet; empty if it is.
func (s *Serving) Propose(proposed Pair, webhooks []Webhook, now time.Time) (result Result, pending string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	verified := Verify(proposed, webhooks, now)
	if s.loaded != nil && !same(proposed, s.pair) {
		if current := Verify(s.pair, webhooks, now); current.Serves() && !s.trustedLongEnough(proposed, verified, now) {
			s.result = current
			return current, verified.problem()
		}
	}
	s.result = verified
	if loaded, err := tls.X509KeyPair(proposed.Certificate, proposed.Key); err == nil {
		s.pair, s.loaded, s.successor = proposed, &loaded, Pair{}
	}
	return verified, ""
}

// trustedLongEnough reports whether every API server trusts the proposed certificate.
func (s *Serving) trustedLongEnough(proposed Pair, verified Result, now time.Time) bool {
	if !verified.Serves() {
		s.successor = Pair{}
		return false
	}
	if !same(proposed, s.successor) {
		s.successor, s.since = proposed, now
	}
	return now.Sub(s.since) >= s.PropagationDelay
}

func same(a, b Pair) bool {
	return bytes.Equal(a.Certificate, b.Certificate) && bytes.Equal(a.Key, b.Key)
}

// Served returns the served certificate; empty if there is none.
func (s *Serving) Served() Pair {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.pair
}

// GetCertificate implements the function of tls.Config.
func (s *Serving) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.loaded == nil {
		return nil, errors.New("there is no serving certificate yet")
	}
	return s.loaded, nil
}

// Ready returns an error unless the API server trusts the served certificate. It is a readiness
// check.
func (s *Serving) Ready(*http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.result.Serves() {
		return nil
	}
	if s.result.State == Unknown {
		return errors.New("the serving certificate has not been verified yet")
	}
	return fmt.Errorf("%s", s.result.Reason)
}
