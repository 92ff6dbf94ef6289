package effectivepod

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/effective"
)

var (
	cases = flag.Int("cases", 500, "how many random templates to compare")
	seed  = flag.Uint64("seed", 1, "the seed of everything random")
	only  = flag.String("only", "", "compare one case alone, as namespace/template, and show it")
)

// templatesPerNamespace is how many templates are judged in one namespace.
const templatesPerNamespace = 20

func TestEffectivePodIsWhatTheAPIServerMakesOfATemplate(t *testing.T) {
	ctx := t.Context()
	started := time.Now()
	tally := &tally{rules: map[effective.Rule]int{}}
	if *only != "" {
		var n, i int
		if _, err := fmt.Sscanf(*only, "%d/%d", &n, &i); err != nil {
			t.Fatalf("-only=%s: %v", *only, err)
		}
		judgeNamespace(ctx, t, n, i, i+1, tally)
	} else {
		inParallel((*cases+templatesPerNamespace-1)/templatesPerNamespace, func(n int) {
			judgeNamespace(ctx, t, n, 0, min(templatesPerNamespace, *cases-n*templatesPerNamespace), tally)
		})
	}
	t.Logf("seed %d: %s in %s", *seed, tally, time.Since(started).Round(time.Millisecond))
	if *only == "" && *cases >= 2000 {
		tally.demandVariety(t)
	}
}

// source is the random source of one namespace (template -1) or one template. In
// every fourth namespace one rare resource is common.
func source(namespace, template int) generator {
	g := generator{rand.New(rand.NewPCG(*seed, uint64(namespace)<<20|uint64(template+1))), rareResources, 10}
	if namespace%4 == 0 {
		of := namespace / 4 % len(rareResources)
		g.rare, g.rarePercent = rareResources[of:of+1], 60
	}
	return g
}

// judgeNamespace creates one namespace and compares its templates from … to.
func judgeNamespace(ctx context.Context, t *testing.T, n, from, to int, tally *tally) {
	// The name bears the time so that an API server may be used again.
	name := fmt.Sprintf("differential-%d-%d-%d", *seed, n, time.Now().UnixNano())
	if err := judge.create(ctx, source(n, -1).namespace(name)); err != nil {
		t.Error(err)
		return
	}
	ns, err := judge.read(ctx, name)
	if err != nil {
		t.Error(err)
		return
	}
	for i := from; i < to; i++ {
		template := source(n, i).template()
		told := effective.Compute(template, ns)
		stored, answer := judge.post(ctx, name, template)
		forms := len(ns.LimitRanges) < 2
		difference := compare(told, stored, answer, forms)
		if difference != nil {
			difference = again(ctx, name, template, told, forms)
			tally.repeated.Add(1)
		}
		tally.add(told, answer)
		if difference != nil {
			t.Errorf("case -seed=%d -only=%d/%d: %v", *seed, n, i, difference)
		}
		if *only != "" {
			show(t, template, ns, told, answer)
		}
	}
}

// again compares one template until told and answer agree, and then five times
// more: the API server's admission plugins judge by caches, which may not have
// seen all of the namespace yet. Once they have, it agrees every time.
func again(ctx context.Context, namespace string, template *corev1.PodTemplateSpec, told effective.Result, forms bool) error {
	var difference error
	for range eventually(ctx, 5*time.Second) {
		stored, answer := judge.post(ctx, namespace, template)
		if difference = compare(told, stored, answer, forms); difference == nil {
			break
		}
	}
	for i := 0; difference == nil && i < 5; i++ {
		stored, answer := judge.post(ctx, namespace, template)
		difference = compare(told, stored, answer, forms)
	}
	return difference
}

// show prints a case.
func show(t *testing.T, template *corev1.PodTemplateSpec, ns effective.Namespace, told effective.Result, answer error) {
	t.Helper()
	for _, part := range []struct {
		name  string
		value any
	}{{"template", template}, {"labels", ns.Labels}, {"limit ranges", ns.LimitRanges}, {"quotas", ns.ResourceQuotas},
		{"told", told.Violations}, {"cannot tell", told.Unknown}, {"effective pod", told.Pod.Spec}} {
		text, err := yaml.Marshal(part.value)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s:\n%s", part.name, text)
	}
	t.Logf("answer: %v", answer)
}

// inParallel calls f for 0 … n-1, a few at a time.
func inParallel(n int, f func(int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	group.Wait()
}

// tally counts what was compared.
type tally struct {
	mu                           sync.Mutex
	accepted, rejected, unstated int
	rules                        map[effective.Rule]int
	repeated                     atomic.Int64
}

func (c *tally) add(told effective.Result, answer error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(told.Unknown) > 0:
		c.unstated++
	case answer == nil:
		c.accepted++
	default:
		c.rejected++
	}
	seen := map[effective.Rule]bool{}
	for _, o := range told.Violations {
		if !seen[o.Rule] {
			seen[o.Rule] = true
			c.rules[o.Rule]++
		}
	}
}

func (c *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d cases: %d accepted, %d rejected, %d not claimed, %d compared twice", c.accepted+c.rejected+c.unstated,
		c.accepted, c.rejected, c.unstated, c.repeated.Load())
	for _, rule := range slices.Sorted(maps.Keys(c.rules)) {
		fmt.Fprintf(&b, ", %s %d", rule, c.rules[rule])
	}
	return b.String()
}

// demandVariety fails when the cases leave a rule or a verdict out.
func (c *tally) demandVariety(t *testing.T) {
	t.Helper()
	all := c.accepted + c.rejected + c.unstated
	if c.accepted < all/5 || c.rejected < all/5 || c.unstated > all/10 {
		t.Errorf("the cases are one-sided: %s", c)
	}
	for _, rule := range effective.Rules() {
		if rule != effective.RuleConfigMap && c.rules[rule] < 10 {
			t.Errorf("rule %s was met %d times", rule, c.rules[rule])
		}
	}
}
