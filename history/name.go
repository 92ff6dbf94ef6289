package history

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// maxName is the longest name of an object, in bytes.
const maxName = 253

// Name returns a revision's name: <workload>-<number>, or a shorter one with a hash if that is too
// long for a name.
func Name(workload string, number int64) string {
	name := fmt.Sprintf("%s-%d", workload, number)
	if len(name) <= maxName {
		return name
	}
	sum := sha256.Sum256([]byte(workload))
	suffix := fmt.Sprintf("-%s-%d", hex.EncodeToString(sum[:5]), number)
	return strings.TrimRight(workload[:maxName-len(suffix)], "-.") + suffix
}
