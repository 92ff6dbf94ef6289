package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"reprise.dev/reprise/event"
	"reprise.dev/reprise/policy"
)

// quiet is how long ConfigMaps of policies must rest before all are compiled anew: a Helm upgrade writes many.
const quiet = 200 * time.Millisecond

// policySet is the policies in force: the built-in pack, and what the ConfigMaps of the install's namespace hold.
// A change is compiled as a whole and put in force at once; what cannot be used leaves in force what was.
type policySet struct {
	clients   kubernetes.Interface
	namespace string
	events    *event.Writer
	builtin   []policy.Module
	terms     policy.Terms
	log       logr.Logger

	engine  atomic.Pointer[policy.Engine]
	mu      sync.Mutex // guards inForce
	inForce map[string][]policy.Module
}

// Evaluate judges by the policies in force.
func (s *policySet) Evaluate(ctx context.Context, in policy.Input) policy.Verdict {
	return s.engine.Load().Evaluate(ctx, in)
}

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
	_, err = policy.New(ctx, append(all, modules...), policy.DefaultLimits(), s.terms)
	return err
}

// NeedLeaderElection says that every replica follows the policies: every replica serves admission.
func (*policySet) NeedLeaderElection() bool { return false }

// Start follows the ConfigMaps until ctx is done.
func (s *policySet) Start(ctx context.Context) error {
	factory := informers.NewSharedInformerFactoryWithOptions(s.clients, 0, informers.WithNamespace(s.namespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = selector().String() }))
	configMaps := factory.Core().V1().ConfigMaps()
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default: // One more is on its way already.
		}
	}
	if _, err := configMaps.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { notify() }, UpdateFunc: func(any, any) { notify() }, DeleteFunc: func(any) { notify() },
	}); err != nil {
		return fmt.Errorf("watching ConfigMaps of policies: %w", err)
	}
	factory.Start(ctx.Done())
	defer factory.Shutdown()
	factory.WaitForCacheSync(ctx.Done())
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		if !settled(ctx, changed) {
			return nil
		}
		stored, err := configMaps.Lister().ConfigMaps(s.namespace).List(labels.Everything())
		if err == nil {
			err = s.reload(ctx, stored)
		}
		if err != nil {
			s.log.Error(err, "Compiling the policies anew; those in force stay")
		}
	}
}

// settled waits until nothing has changed for a while. It is false where ctx is done before.
func settled(ctx context.Context, changed <-chan struct{}) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		case <-time.After(quiet):
			return true
		}
	}
}

// reload puts what is stored in force and tells of what cannot be.
func (s *policySet) reload(ctx context.Context, stored []*corev1.ConfigMap) error {
	rejected, err := s.assemble(ctx, stored)
	if err != nil {
		return err
	}
	engine := s.engine.Load()
	s.log.Info("Policies are in force", "configMaps", len(stored)-len(rejected), "rules", len(engine.Rules(policy.Final)))
	if unknown := engine.Unknown(); unknown != nil {
		s.log.Error(unknown, "Reading the configuration's policies")
	}
	for _, c := range stored {
		reason, invalid := rejected[c.Name]
		if !invalid {
			continue
		}
		s.log.Error(reason, "A ConfigMap of policies cannot be used; its last good state stays in force", "configMap", c.Name)
		if err := s.events.Write(ctx, invalidEvent(c, reason)); err != nil {
			s.log.Error(err, "Telling of an invalid policy", "configMap", c.Name)
		}
	}
	return nil
}

func invalidEvent(c *corev1.ConfigMap, reason error) event.Event {
	return event.Event{
		Reason: event.PolicyInvalid, Warning: true,
		About: corev1.ObjectReference{
			APIVersion: "v1", Kind: "ConfigMap",
			Namespace: c.Namespace, Name: c.Name, UID: c.UID, ResourceVersion: c.ResourceVersion,
		},
		Key:     c.ResourceVersion,
		Message: event.Message("not in force: "+reason.Error(), nil, "what was in force of it stays; correct the ConfigMap"),
		At:      time.Now(),
	}
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
