package namespaceinfo

import (
	"sync"
	"time"
)

// contact records whether the list and watch calls of a cache succeed. An open watch counts as
// success until the next call fails.
type contact struct {
	now func() time.Time

	mu   sync.Mutex
	lost time.Time // the first failure since the last success; zero if none
}

// note records the result of a call.
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

// lostSince returns when contact was lost, and whether it still is.
func (c *contact) lostSince() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost, !c.lost.IsZero()
}
