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

	"reprise.dev/reprise/event/emit"
	"reprise.dev/reprise/internal/metrics"
	"reprise.dev/reprise/policy"
)

// policySet is the policies in force: the built-in pack, and what the ConfigMaps of the install's namespace hold.
// A change is compiled as a whole and put in force at once; what cannot be used leaves in force what was.
type policySet struct {
	clients   kubernetes.Interface
	namespace string
	events    *emit.Writer
	builtin   []policy.Module
	log       logr.Logger
	// changed tells the audit that others are in force; it holds one message, which is enough.
	changed chan controllerevent.GenericEvent
	// wake has all compiled anew; it holds one message, which is enough.
	wake    chan struct{}
	metrics *metrics.Metrics

	engine  atomic.Pointer[policy.Engine]
	mu      sync.Mutex // guards inForce and terms
	inForce map[string][]policy.Module
	terms   policy.Overrides
}

// Evaluate judges by the policies in force.
func (s *policySet) Evaluate(ctx context.Context, in policy.Input) policy.Verdict {
	return s.engine.Load().Evaluate(ctx, in)
}

// rules are those in force.
func (s *policySet) rules() []policy.Rule { return s.engine.Load().Rules(policy.Final) }

// use reads what there is and puts it in force under the terms, at the start and when the configuration changes. A term
// that names a policy which does not exist is an error, unless a ConfigMap that may hold it cannot be used; then what was
// in force stays.
func (s *policySet) use(ctx context.Context, terms policy.Overrides) error {
	list, err := s.clients.CoreV1().ConfigMaps(s.namespace).List(ctx, metav1.ListOptions{LabelSelector: selector().String()})
	if err != nil {
		return fmt.Errorf("listing ConfigMaps of policies: %w", err)
	}
	stored := make([]*corev1.ConfigMap, len(list.Items))
	for i := range list.Items {
		stored[i] = &list.Items[i]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	assembly, err := s.assemble(ctx, stored, terms)
	if err != nil {
		return err
	}
	if unknown := assembly.Engine.Unknown(); unknown != nil && len(assembly.Rejected) == 0 {
		return fmt.Errorf("configuration policies: %w", unknown)
	}
	s.put(assembly, terms)
	select {
	case s.wake <- struct{}{}: // The watch may have seen more than the list, and the audit judges anew.
	default:
	}
	return nil
}

// assemble compiles ConfigMaps under the terms. It is called with mu held.
func (s *policySet) assemble(ctx context.Context, stored []*corev1.ConfigMap, terms policy.Overrides) (policy.Bundle, error) {
	candidates := map[string]policy.Source{}
	for _, c := range stored {
		modules, err := policy.ParseSource(c.Name, filesOf(c))
		candidates[c.Name] = policy.Source{Modules: modules, Err: err}
	}
	return policy.Load(ctx, s.builtin, candidates, s.inForce, policy.DefaultLimits(), terms)
}

// put puts what was assembled in force. It is called with mu held.
func (s *policySet) put(assembly policy.Bundle, terms policy.Overrides) {
	s.inForce, s.terms = assembly.Active, terms
	s.engine.Store(assembly.Engine)
	s.metrics.Policies.Loaded(len(assembly.Rejected))
	inForce := map[string]string{}
	for _, rule := range s.rules() {
		inForce[rule.Name] = string(rule.Enforcement)
	}
	s.metrics.Admission.SetActive(inForce)
}

// Check implements webhook.PolicyChecker.
func (s *policySet) Check(ctx context.Context, candidate *corev1.ConfigMap) error {
	modules, err := policy.ParseSource(candidate.Name, filesOf(candidate))
	if err != nil {
		return err
	}
	s.mu.Lock()
	others, terms := maps.Clone(s.inForce), s.terms
	s.mu.Unlock()
	all := slices.Clone(s.builtin)
	for _, name := range slices.Sorted(maps.Keys(others)) {
		if name != candidate.Name {
			all = append(all, others[name]...)
		}
	}
	engine, err := policy.New(ctx, append(all, modules...), policy.DefaultLimits(), terms)
	if err != nil {
		return err
	}
	return engine.CheckTimeout(ctx, modules)
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
