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

	"reprise.dev/reprise/internal/metrics"
	"reprise.dev/reprise/policy"
)

// policySet holds the active policies: the built-in ones, and those in ConfigMaps of the install's
// namespace. It replaces all of them at once. For a ConfigMap that does not compile, its last valid
// policies stay active.
type policySet struct {
	clients   kubernetes.Interface
	namespace string
	events    eventWriter
	builtin   []policy.Module
	log       logr.Logger
	// changed makes the audit start again; it has room for one message.
	changed chan controllerevent.GenericEvent
	// wake makes the watch compile the policies again; it has room for one message.
	wake    chan struct{}
	metrics *metrics.Metrics

	engine    atomic.Pointer[policy.Engine]
	mu        sync.Mutex // guards active and overrides
	active    map[string][]policy.Module
	overrides policy.Overrides
}

// Evaluate evaluates the active policies.
func (s *policySet) Evaluate(ctx context.Context, in policy.Input) policy.Verdict {
	return s.engine.Load().Evaluate(ctx, in)
}

// rules returns the active policies.
func (s *policySet) rules() []policy.Rule { return s.engine.Load().Rules(policy.Final) }

// setOverrides loads the policies with new overrides, at the start and when the configuration
// changes. It returns an error and changes nothing if an override names an unknown policy, unless a
// ConfigMap is invalid that may contain it.
func (s *policySet) setOverrides(ctx context.Context, overrides policy.Overrides) error {
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
	bundle, err := s.compile(ctx, stored, overrides)
	if err != nil {
		return err
	}
	if unknown := bundle.Engine.Unknown(); unknown != nil && len(bundle.Rejected) == 0 {
		return fmt.Errorf("configuration policies: %w", unknown)
	}
	s.activate(bundle, overrides)
	select {
	case s.wake <- struct{}{}: // The watch may have seen a newer state than the list.
	default:
	}
	return nil
}

// compile compiles ConfigMaps with the overrides. Its caller holds mu.
func (s *policySet) compile(ctx context.Context, stored []*corev1.ConfigMap, overrides policy.Overrides) (policy.Bundle, error) {
	candidates := map[string]policy.Source{}
	for _, c := range stored {
		modules, err := policy.ParseSource(c.Name, filesOf(c))
		candidates[c.Name] = policy.Source{Modules: modules, Err: err}
	}
	return policy.Load(ctx, s.builtin, candidates, s.active, policy.DefaultLimits(), overrides)
}

// activate makes a bundle the active one. Its caller holds mu.
func (s *policySet) activate(bundle policy.Bundle, overrides policy.Overrides) {
	s.active, s.overrides = bundle.Active, overrides
	s.engine.Store(bundle.Engine)
	s.metrics.Policies.Loaded(len(bundle.Rejected))
	enforcements := map[string]string{}
	for _, rule := range s.rules() {
		enforcements[rule.Name] = string(rule.Enforcement)
	}
	s.metrics.Admission.SetActive(enforcements)
}

// Check implements webhook.PolicyChecker.
func (s *policySet) Check(ctx context.Context, candidate *corev1.ConfigMap) error {
	modules, err := policy.ParseSource(candidate.Name, filesOf(candidate))
	if err != nil {
		return err
	}
	s.mu.Lock()
	others, overrides := maps.Clone(s.active), s.overrides
	s.mu.Unlock()
	all := slices.Clone(s.builtin)
	for _, name := range slices.Sorted(maps.Keys(others)) {
		if name != candidate.Name {
			all = append(all, others[name]...)
		}
	}
	engine, err := policy.New(ctx, append(all, modules...), policy.DefaultLimits(), overrides)
	if err != nil {
		return err
	}
	return engine.CheckTimeout(ctx, modules)
}

func selector() labels.Selector {
	return labels.SelectorFromSet(labels.Set{policy.Label: policy.LabelValue})
}

// filesOf returns the files of a ConfigMap. Binary files are included, so that the error can name
// them.
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
