package guard

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/health"
)

// memories holds what this leader saw of each rollout that it follows, by workload. The next leader
// begins without: it waits once more for what it sees.
type memories struct {
	mu  sync.Mutex
	all map[types.NamespacedName]rolloutMemory
}

// rolloutMemory is what was seen of the rollout of one revision.
type rolloutMemory struct {
	revision types.UID
	memory   health.Memory
}

// of returns what was seen of the rollout of a revision; empty where nothing was.
func (m *memories) of(workload types.NamespacedName, revision types.UID) health.Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	if found := m.all[workload]; found.revision == revision && found.memory != nil {
		return found.memory
	}
	return health.Memory{}
}

// keep remembers what was seen of the rollout of a revision, and forgets the one before.
func (m *memories) keep(workload types.NamespacedName, revision types.UID, memory health.Memory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = map[types.NamespacedName]rolloutMemory{}
	}
	m.all[workload] = rolloutMemory{revision, memory}
}

// forget drops what was seen of a workload that is no longer followed.
func (m *memories) forget(workload types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, workload)
}
