package namespaceinfo

import (
	"sync"
	"time"
)

// contact remembers whether the API server answers the calls that keep one cache
// current. A watch that is open counts as an answer; when it breaks, the next
// call tells.
type contact struct {
	now func() time.Time

	mu   sync.Mutex
	lost time.Time // of the first call that failed since one succeeded; zero if none did
}

// note records how a call ended.
func (c *contact) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.lost = time.Time{}
	case c.lost.IsZero():
		c.lost = c.now()
	}
}

// lostSince returns when contact was lost, and whether it is.
func (c *contact) lostSince() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost, !c.lost.IsZero()
}
