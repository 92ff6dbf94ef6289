package deployers

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/product"
)

// next is a column of the matrix: what the deployer does after the rollback.
type next string

const (
	theFix                next = "TheFix"
	theFixThatDropsAField next = "TheFixThatDropsAField"
	theSameBadManifest    next = "TheSameBadManifest"
	theOldManifest        next = "TheOldManifest"
)

var steps = []next{theFix, theFixThatDropsAField, theSameBadManifest, theOldManifest}

// cell is one field of the matrix.
type cell struct {
	deployer deployer
	replicas replicas
	next     next
}

func TestADeployerGoesOnAsIfTheBadRevisionHadNeverBeenApplied(t *testing.T) {
	for i, r := range rows() {
		t.Run(r.name(), func(t *testing.T) {
			t.Parallel()
			for j, step := range steps {
				if !*whole && (i+j)%len(steps) != 0 {
					continue
				}
				t.Run(string(step), func(t *testing.T) {
					t.Parallel()
					cell{deployer: r.deployer, replicas: r.replicas, next: step}.play(t)
				})
			}
		})
	}
}

// play plays the story and its control side by side.
func (c cell) play(t *testing.T) {
	story, control := newPlace(t), newPlace(t)
	c.begin(story)
	c.begin(control)
	if c.replicas.late {
		c.replicas.begin(control)
	}
	if c.replicas.contested() {
		// The bad manifest does it in the story.
		c.deploys(control, c.with(first))
	}
	healthy := story.well(0)

	c.deploys(story, c.bad())
	if c.replicas.late {
		c.replicas.begin(story)
	}
	restored := story.restored(healthy.Spec.Number)
	c.replicas.waitFor(story)
	c.replicas.waitFor(control)
	story.asIfNever(control, "after the rollback")

	switch {
	case c.next != theSameBadManifest:
		c.deploys(story, c.manifest())
	case c.deployer.remembers:
		c.failsOnceMore(story, restored)
	default:
		c.isDenied(story)
	}
	c.deploys(control, c.manifest())
	c.reportsWhatIsLeft(story, restored)
	c.replicas.waitFor(story)
	c.replicas.waitFor(control)
	story.asIfNever(control, "after the next step")
}

// begin deploys the first manifest, and has the others do what they do.
func (c cell) begin(p place) {
	p.Helper()
	c.deploys(p, c.with(first))
	if c.deployer.other != nil {
		p.must(c.deployer.other(p))
	}
	if !c.replicas.late {
		c.replicas.begin(p)
	}
	p.well(0)
}

func (c cell) deploys(p place, m manifest) {
	p.Helper()
	p.must(c.deployer.deploy(p, m))
}

// with is a manifest with as many replicas as the deployer writes into each.
func (c cell) with(m manifest) manifest {
	m.replicas = c.replicas.inManifest
	return m
}

// bad is the bad manifest.
func (c cell) bad() manifest {
	if !c.deployer.imageOnly {
		return c.with(bad)
	}
	m := c.with(first)
	m.image = bad.image
	return m
}

// manifest is that of the next step; for the bad one, of what it leaves as it is.
func (c cell) manifest() manifest {
	switch c.next {
	case theFix:
		return c.with(fix)
	case theFixThatDropsAField:
		return c.with(fixThatDrops)
	default:
		return c.with(first)
	}
}

// isDenied has the bad manifest deployed again: a dry run warns, the real write is refused, and
// nothing has changed.
func (c cell) isDenied(p place) {
	p.Helper()
	before, generation, revisions := p.state(), p.live().GetGeneration(), product.Phases(p.revisions())
	const why = "failed as revision"
	if c.deployer.dryRun != nil {
		if said, err := c.deployer.dryRun(p, c.bad()); err != nil || !strings.Contains(said, why) {
			p.Errorf("a dry run of it ends with %v and says %q", err, said)
		}
	}
	said, err := c.deployer.deploy(p, c.bad())
	if err == nil || !strings.Contains(said+err.Error(), why) {
		p.Errorf("it is not refused: %v\n%s", err, said)
	}
	if difference := cmp.Diff(before, p.state()); difference != "" || p.live().GetGeneration() != generation {
		p.Errorf("it was refused and generation %d has become %d:\n%s", generation, p.live().GetGeneration(), difference)
	}
	if now := product.Phases(p.revisions()); now != revisions {
		p.Errorf("it was refused and the history went from %q to %q", revisions, now)
	}
}

// failsOnceMore has the bad manifest deployed again by one that does not learn of the rollback: it
// leaves what the bad revision had dropped, and this is another pod template, which failed never
// yet. It is put back too, and then refused.
func (c cell) failsOnceMore(p place, restored *v1alpha1.WorkloadRevision) {
	p.Helper()
	c.deploys(p, c.bad())
	p.restored(restored.Spec.Number)
	c.replicas.waitFor(p)
	c.isDenied(p)
}

// reportsWhatIsLeft waits until the next revision is well and says what is left over in it, and
// follows the advice. Nothing is said where nothing can be left.
func (c cell) reportsWhatIsLeft(p place, restored *v1alpha1.WorkloadRevision) {
	p.Helper()
	if c.next != theFix && c.next != theFixThatDropsAField {
		return
	}
	condition := meta.FindStatusCondition(p.well(restored.Spec.Number).Status.Conditions, v1alpha1.ConditionFieldsLeftBehind)
	switch {
	case !c.deployer.remembers:
		if condition != nil {
			p.Errorf("nothing is left over, and it is reported: %s", condition.Message)
		}
	case c.next == theFixThatDropsAField:
		c.leavesOver(p, condition)
		c.deploys(p, c.with(fix))
		c.deploys(p, c.manifest())
	}
}

// leavesOver checks the report of what a deployer leaves over that never learns of a rollback: what
// the bad revision had dropped and the fix, too, leaves out.
func (c cell) leavesOver(p place, condition *metav1.Condition) {
	p.Helper()
	if env := p.environment(); env["B"] != "1" {
		p.Errorf("nothing is left over any more: the variables are %v", env)
	}
	if condition == nil {
		p.Fatal("the revision does not say what is left over")
	}
	product.Eventually(p, func() (bool, string) {
		return len(p.events("FieldsLeftBehind")) == 1, "no event FieldsLeftBehind"
	})
	for _, message := range []string{condition.Message, p.events("FieldsLeftBehind")[0].Message} {
		for _, field := range []string{"variables.B", "labels.tier"} {
			if !strings.Contains(message, field) {
				p.Errorf("what is left over is reported as %q, without %s", message, field)
			}
		}
	}
}
