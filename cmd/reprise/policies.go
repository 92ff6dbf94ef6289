package main

import (
	"context"
	"errors"
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
	"reprise.dev/reprise/policy/sandbox"
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

	sandbox *sandbox.Sandbox

	engine  atomic.Pointer[policy.Engine]
	loading sync.Mutex // held while policies are compiled and activated
	// tried holds the stored ConfigMaps that were tried, by the digest of their policies, with the
	// error of those that exceeded a limit of the sandbox. It is guarded by loading.
	tried map[string]error

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
	s.loading.Lock()
	defer s.loading.Unlock()
	bundle, err := s.compile(ctx, stored, overrides)
	if err != nil {
		return err
	}
	if unknown := bundle.Engine.Unknown(); unknown != nil && len(bundle.Rejected) == 0 {
		return fmt.Errorf("configuration policies: %w", unknown)
	}
	s.activate(bundle, overrides)
	s.notify() // The watch may have seen a newer state than the list.
	return nil
}

// compile compiles ConfigMaps with the overrides. Its caller holds loading.
func (s *policySet) compile(ctx context.Context, stored []*corev1.ConfigMap, overrides policy.Overrides) (policy.Bundle, error) {
	candidates := map[string]policy.Source{}
	tried := map[string]error{}
	for _, c := range stored {
		source, err := policy.ParseSource(c.Name, filesOf(c))
		if err == nil {
			var exceeded error
			digest := policy.Digest(source.Modules)
			if exceeded, err = s.tryAlone(ctx, digest, source.Modules, overrides); err == nil {
				tried[digest], err = exceeded, exceeded
			}
		}
		source.Err = err
		candidates[c.Name] = source
	}
	s.tried = tried
	s.mu.Lock()
	active := s.active
	s.mu.Unlock()
	return policy.Load(ctx, s.builtin, candidates, active, policy.DefaultLimits(), overrides, s.try(overrides))
}

// tryAlone tries the policies of one ConfigMap with the built-in ones, once. It returns the error
// of those that exceed a limit of the sandbox, and an error if that is unknown. Other errors are
// for Load.
func (s *policySet) tryAlone(ctx context.Context, digest string, modules []policy.Module, overrides policy.Overrides) (exceeded, unknown error) {
	if known, found := s.tried[digest]; found {
		return known, nil
	}
	_, err := s.sandbox.Try(ctx, sandbox.Trial{Modules: slices.Concat(s.builtin, modules), Overrides: overrides})
	if limit := (*sandbox.ExceededError)(nil); errors.As(err, &limit) {
		return limit, nil
	}
	return nil, err
}

// try returns a function that compiles and evaluates policies in the sandbox. A rule that times out
// there is no error: each evaluation has its own deadline.
func (s *policySet) try(overrides policy.Overrides) policy.Try {
	return func(ctx context.Context, modules []policy.Module) error {
		result, err := s.sandbox.Try(ctx, sandbox.Trial{Modules: modules, Overrides: overrides})
		if err == nil && result.Compile != "" {
			err = errors.New(result.Compile)
		}
		return err
	}
}

// activate makes a bundle the active one. Its caller holds loading.
func (s *policySet) activate(bundle policy.Bundle, overrides policy.Overrides) {
	s.mu.Lock()
	s.active, s.overrides = bundle.Active, overrides
	s.mu.Unlock()
	s.engine.Store(bundle.Engine)
	s.metrics.Policies.Loaded(len(bundle.Rejected), len(bySource(bundle.Warnings)))
	enforcements := map[string]string{}
	for _, rule := range s.rules() {
		enforcements[rule.Name] = string(rule.Enforcement)
	}
	s.metrics.Admission.SetActive(enforcements)
}

// bySource returns warnings by their source.
func bySource(warnings []policy.Warning) map[string][]policy.Warning {
	sources := map[string][]policy.Warning{}
	for _, w := range warnings {
		sources[w.Source] = append(sources[w.Source], w)
	}
	return sources
}

// Check implements webhook.PolicyChecker.
func (s *policySet) Check(ctx context.Context, candidate *corev1.ConfigMap) ([]string, error) {
	source, err := policy.ParseSource(candidate.Name, filesOf(candidate))
	if err != nil {
		return nil, err
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
	result, err := s.sandbox.Try(ctx, sandbox.Trial{Modules: append(all, source.Modules...), Overrides: overrides})
	switch timeout := result.Timeouts[candidate.Name]; {
	case err != nil:
		return nil, err
	case result.Compile != "":
		return nil, errors.New(result.Compile)
	case timeout != "":
		return nil, errors.New(timeout)
	}
	var warnings []string
	for _, w := range bySource(append(source.Warnings, result.Warnings...))[candidate.Name] {
		warnings = append(warnings, w.String())
	}
	return warnings, nil
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
