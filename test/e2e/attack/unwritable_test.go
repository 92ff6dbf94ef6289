package attack

import (
	"strings"
	"testing"

	"reprise.dev/reprise/test/harness/product"
)

// TestAFileThatCannotBeWrittenHoldsARollback makes one of Score's files such that its restoration
// is rejected: the rollback is held before anything is written, and is not tried for ever.
func TestAFileThatCannotBeWrittenHoldsARollback(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ with, reason, says string }{
		"Immutable": {"immutable: true\nbinaryData:\n", "Rejected", "immutable"},
		"SecondKey": {"data:\n  second: key\nbinaryData:\n", "CannotRun", "is not the workload's own any more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newTenant(t, product.Quick)
			p.apply(product.Filed("version one", "1.27"))
			p.Becomes("filed", "1 Healthy")
			p.apply(strings.Replace(product.Filed("version two", "does-not-exist"), "binaryData:\n", tt.with, 1))
			h := p.Becomes("filed", "1 Healthy, 2 Failed")
			p.Says(p.Event("RollbackHeld", "filed"), "Rollback of #2 on hold ("+tt.reason+")", product.FiledConfigMap, tt.says)
			if h[1].IsRollbackOpen() {
				t.Errorf("the rollback is %+v", h[1].Status.Rollback)
			}
			p.apply(product.Filed("version one", "1.28")[strings.Index(product.Filed("version one", "1.28"), "kind: Deployment")-len("apiVersion: apps/v1\n"):])
			p.Becomes("filed", "1 Healthy, 2 Failed, 3 Healthy")
		})
	}
}
