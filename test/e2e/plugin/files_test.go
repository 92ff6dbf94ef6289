package plugin

import (
	"testing"

	"reprise.dev/reprise/test/harness/product"
)

func TestWaitIsNotFooledWhereOnlyAFileChanged(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	first, second := written(t, product.Filed("version one", "1.27")), written(t, product.Filed("version two", "1.27"))
	p.apply(first)
	p.reprise("wait", "-f", first).says(p, 0, "filed #1 is Healthy")

	// The Deployment is as it was: no revision is there for ten seconds, and then one that no pod has
	// proven.
	p.apply(second)
	p.reprise("wait", "-f", second, "--timeout", "2s").says(p, 2, "containers.main.files./etc/app/a.conf has changed")
	p.Becomes("filed", "1 Healthy, 2 Progressing")
	p.reprise("wait", "-f", second, "--timeout", "2s").says(p, 2, "#2 is Progressing", "kubectl rollout restart deployment/filed -n "+p.Namespace)
	p.reprise("diff", "filed", "1", "2").says(p, 0, "~ containers.main.files./etc/app/a.conf", "-version one", "+version two")
	p.Kubectl("rollout", "restart", "deployment/filed")
	p.reprise("wait", "filed").says(p, 0, "filed #3 is Healthy")
}
