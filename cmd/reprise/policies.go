package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	controllerevent "sigs.k8s.io/controller-runtime/pkg/event"

	"reprise.dev/reprise/event"
	"reprise.dev/reprise/metrics"
	"reprise.dev/reprise/policy"
)

// policySet is the policies in force: the built-in pack, and what the ConfigMaps of the install's namespace hold.
// A change is compiled as a whole and put in force at once; what cannot be used leaves in force what was.
type policySet struct {
	clients   kubernetes.Interface
	namespace string
	events    *event.Writer
	builtin   []policy.Module
	terms     policy.Terms
	log       logr.Logger
	// changed tells the audit that others are in force; it holds one message, which is enough.
	changed chan controllerevent.GenericEvent
	metrics *metrics.Policies

	engine  atomic.Pointer[policy.Engine]
	mu      sync.Mutex // guards inForce
	inForce map[string][]policy.Module
}

// Evaluate judges by the policies in force.
func (s *policySet) Evaluate(ctx context.Context, in policy.Input) policy.Verdict {
	return s.engine.Load().Evaluate(ctx, in)
}

// rules are those in force.
func (s *policySet) rules() []policy.Rule { return s.engine.Load().Rules(policy.Final) }

// load reads and compiles what there is at the start. A term that names a policy which does not exist is an error,
// unless a ConfigMap that may hold it cannot be used.
func (s *policySet) load(ctx context.Context) error {
	list, err := s.clients.CoreV1().ConfigMaps(s.namespace).List(ctx, metav1.ListOptions{LabelSelector: selector().String()})
	if err != nil {
		return fmt.Errorf("listing ConfigMaps of policies: %w", err)
	}
	stored := make([]*corev1.ConfigMap, len(list.Items))
	for i := range list.Items {
		stored[i] = &list.Items[i]
	}
	rejected, err := s.assemble(ctx, stored)
	if err != nil {
		return err
	}
	if unknown := s.engine.Load().Unknown(); unknown != nil && len(rejected) == 0 {
		return fmt.Errorf("configuration policies: %w", unknown)
	}
	return nil
}

// assemble compiles ConfigMaps and puts them in force. It returns why some are not.
func (s *policySet) assemble(ctx context.Context, stored []*corev1.ConfigMap) (map[string]error, error) {
	candidates := map[string]policy.Candidate{}
	for _, c := range stored {
		modules, err := policy.Source(c.Name, filesOf(c))
		candidates[c.Name] = policy.Candidate{Modules: modules, Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	assembly, err := policy.Assemble(ctx, s.builtin, candidates, s.inForce, policy.DefaultLimits(), s.terms)
	if err != nil {
		return nil, err
	}
	s.inForce = assembly.InForce
	s.engine.Store(assembly.Engine)
	s.metrics.Loaded(len(assembly.Rejected))
	return assembly.Rejected, nil
}

// Check implements webhook.PolicyChecker.
func (s *policySet) Check(ctx context.Context, candidate *corev1.ConfigMap) error {
	modules, err := policy.Source(candidate.Name, filesOf(candidate))
	if err != nil {
		return err
	}
	s.mu.Lock()
	others := maps.Clone(s.inForce)
	s.mu.Unlock()
	all := slices.Clone(s.builtin)
	for _, name := range slices.Sorted(maps.Keys(others)) {
		if name != candidate.Name {
			all = append(all, others[name]...)
		}
	}
	engine, err := policy.New(ctx, append(all, modules...), policy.DefaultLimits(), s.terms)
	if err != nil {
		return err
	}
	return engine.Trial(ctx, modules)
}

func selector() labels.Selector {
	return labels.SelectorFromSet(labels.Set{policy.Label: policy.LabelValue})
}

// filesOf are a ConfigMap's keys. One that is binary is no Rego, and named as such.
func filesOf(c *corev1.ConfigMap) map[string]string {
	files := maps.Clone(c.Data)
	if files == nil {
		files = map[string]string{}
	}
	for key, content := range c.BinaryData {
		files[key] = string(content)
	}
	return files
}
