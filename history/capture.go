package history

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/workload"
)

// capture is one stored intent that is to be recorded.
type capture struct {
	deployment *appsv1.Deployment
	// files says that only Score's files changed.
	files bool
	// adopted says why the intent counts as not watched; empty for one that was.
	adopted string
	// folded is how many intents between this one and the one before were left out for their number.
	folded int
	// entry is its place in the ledger, nil where it did not come from the watch.
	entry *entry
}

// Why a revision is adopted, as the reason of its condition.
const (
	// adoptedInitially is for a workload that was there when Reprise first looked.
	adoptedInitially = "InitialList"
	// adoptedAfterGap is for an intent before which the API server could not replay every change any more.
	adoptedAfterGap = "WatchGap"
)

// sighting is what was last seen of a workload.
type sighting struct {
	uid  types.UID
	hash string
}

// sights tells new intents from old ones, workload by workload. It belongs to the goroutine that watches.
type sights map[types.NamespacedName]sighting

// isNew notes what a Deployment's intent is now, and says whether that is news.
func (s sights) isNew(d *appsv1.Deployment) bool {
	now := sighting{uid: d.UID, hash: workload.IntentOf(d).Hash()}
	key := types.NamespacedName{Namespace: d.Namespace, Name: d.Name}
	if s[key] == now {
		return false
	}
	s[key] = now
	return true
}
