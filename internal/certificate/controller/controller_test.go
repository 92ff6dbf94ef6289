package controller

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	certmanagerv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmanagermetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	fcache "k8s.io/client-go/tools/cache/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/internal/certificate"
)

var (
	begin  = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	issuer = certificate.Issuer{Lifetime: 7 * 24 * time.Hour, CALifetime: 35 * 24 * time.Hour}
	names  = ConfigurationsOf("reprise")
	secret = types.NamespacedName{Namespace: "reprise-system", Name: "reprise-tls"}
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	m.Run()
}

func schemeOf(t testing.TB) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, certmanagerv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return scheme
}

// install is an API server in memory with an install of Reprise, and a replica's controller of its
// own certificate.
type install struct {
	*Controller
	*testing.T
	api    client.WithWatch
	now    time.Time
	told   []event.Event
	untold error
	writes int
	// fails is the error of reads and writes, by the type of the object.
	fails map[string]error
}

// Write implements EventWriter.
func (i *install) Write(_ context.Context, e event.Event) error {
	i.told = append(i.told, e)
	return i.untold
}

func (i *install) failure(verb string, object client.Object) error {
	switch object.(type) {
	case *corev1.Secret:
		return i.fails[verb+" Secret"]
	case *admissionregistrationv1.ValidatingWebhookConfiguration:
		return i.fails[verb+" Validating"]
	default:
		return i.fails[verb+" Mutating"]
	}
}

func newInstall(t *testing.T) *install {
	t.Helper()
	validating := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: names.Validating}}
	validating.Webhooks = []admissionregistrationv1.ValidatingWebhook{{Name: "a.reprise.dev"}, {Name: "b.reprise.dev"}}
	for i := range validating.Webhooks {
		validating.Webhooks[i].ClientConfig.Service = &admissionregistrationv1.ServiceReference{Namespace: "reprise-system", Name: "reprise"}
	}
	mutating := &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: names.Mutating}}
	mutating.Webhooks = []admissionregistrationv1.MutatingWebhook{{
		Name: "early.reprise.dev", ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: new("https://localhost:9443/early")},
	}}
	i := &install{T: t, now: begin, fails: map[string]error{}}
	objects := []client.Object{validating, mutating, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: secret.Namespace, Name: secret.Name}}}
	i.api = interceptor.NewClient(fake.NewClientBuilder().WithScheme(schemeOf(t)).WithObjects(objects...).Build(), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
			if err := i.failure("get", object); err != nil {
				return err
			}
			return c.Get(ctx, key, object, opts...)
		},
		Update: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.UpdateOption) error {
			if err := i.failure("update", object); err != nil {
				return err
			}
			i.writes++
			return c.Update(ctx, object, opts...)
		},
	})
	now := func() time.Time { return i.now }
	i.Controller = &Controller{
		Client: i.api, Serving: &certificate.Serving{PropagationDelay: issuer.PropagationDelay()}, Configurations: names, Events: i,
		Source: &SelfSigned{Client: i.api, Secret: secret, Names: []string{"reprise.reprise-system.svc", ""}, Issuer: issuer, Now: now, Log: logr.Discard()},
		Regarding: func(context.Context) corev1.ObjectReference {
			return corev1.ObjectReference{Kind: "Pod", Name: "reprise-0"}
		},
		Expiry: prometheus.NewGauge(prometheus.GaugeOpts{Name: "expiry"}), Now: now, Log: logr.Discard(),
	}
	return i
}

// look reconciles, and returns when to look again.
func (i *install) look() time.Duration {
	i.Helper()
	result, err := i.Reconcile(i.Context(), reconcile.Request{})
	if err != nil {
		i.Fatal(err)
	}
	return result.RequeueAfter
}

// bundles are the caBundles of all webhooks.
func (i *install) bundles() [][]byte {
	i.Helper()
	all, err := i.Configurations.read(i.Context(), i.api)
	if err != nil {
		i.Fatal(err)
	}
	var bundles [][]byte
	for _, w := range webhooksOf(all) {
		bundles = append(bundles, w.CABundle)
	}
	return bundles
}

func TestController_Reconcile_IssuesPublishesAndServes(t *testing.T) {
	i := newInstall(t)
	if again := i.look(); again != pollInterval || i.Serving.Ready(nil) == nil {
		t.Fatalf("looks again in %s, and is ready before the API server trusts the certificate", again)
	}
	if i.writes != 3 {
		t.Errorf("wrote %d times, want the Secret and two configurations", i.writes)
	}
	i.look()
	if err := i.Serving.Ready(nil); err != nil {
		t.Fatalf("not ready: %v", err)
	}
	bundles := i.bundles()
	if len(bundles) != 3 || slices.ContainsFunc(bundles, func(b []byte) bool { return len(b) == 0 || !bytes.Equal(b, bundles[0]) }) {
		t.Errorf("the webhooks have the caBundles %q", bundles)
	}
	if got, want := testutil.ToFloat64(i.Expiry), float64(begin.Add(issuer.Lifetime).Unix()); got != want {
		t.Errorf("expiry is %v, want %v", got, want)
	}
	i.look()
	if i.writes != 3 || len(i.told) > 0 {
		t.Errorf("wrote %d times and told %v of what is valid", i.writes, i.told)
	}
}

func TestController_Reconcile_RenewsInTime(t *testing.T) {
	i := newInstall(t)
	i.look()
	i.look()
	first := i.Serving.Served()
	i.now = begin.Add(issuer.Lifetime * 4 / 5)
	i.look()
	i.now = i.now.Add(issuer.PropagationDelay())
	i.look()
	if renewed := i.Serving.Served(); bytes.Equal(renewed.Certificate, first.Certificate) || i.Serving.Ready(nil) != nil {
		t.Errorf("it is not renewed: %v", i.Serving.Ready(nil))
	}
}

func TestController_Reconcile_AnotherReplicaWasFirst(t *testing.T) {
	conflict := apierrors.NewConflict(corev1.Resource("any"), "any", errors.New("newer"))
	for _, write := range []string{"update Secret", "update Validating", "update Mutating"} {
		t.Run(write, func(t *testing.T) {
			i := newInstall(t)
			i.fails[write] = conflict
			for range 3 {
				if again := i.look(); again >= pollInterval {
					t.Errorf("looks again in %s only", again)
				}
				i.now = i.now.Add(gracePeriod)
			}
			if len(i.told) > 0 {
				t.Errorf("told %v", i.told)
			}
			delete(i.fails, write)
			i.look()
			i.look()
			if err := i.Serving.Ready(nil); err != nil {
				t.Errorf("not ready: %v", err)
			}
		})
	}
}

func TestController_Reconcile_ReportsWhatLasts(t *testing.T) {
	broken := errors.New("etcd is busy")
	for name, tt := range map[string]struct {
		fails string
		err   error
		says  string
	}{
		"SecretGone":       {"get Secret", apierrors.NewNotFound(corev1.Resource("secrets"), secret.Name), "does not exist: helm upgrade restores it"},
		"SecretUnread":     {"get Secret", broken, "reading the Secret of the serving certificate: etcd is busy"},
		"SecretUnwritten":  {"update Secret", broken, "storing the serving certificate in Secret reprise-system/reprise-tls: etcd is busy"},
		"BundleUnwritten":  {"update Validating", broken, "writing the caBundle of webhook configuration reprise: etcd is busy"},
		"MutatingRejected": {"update Mutating", broken, "writing the caBundle of webhook configuration zz-reprise-early: etcd is busy"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newInstall(t)
			i.untold = broken // An Event that cannot be written stops nothing.
			i.fails[tt.fails] = tt.err
			i.look()
			i.look() // What was written by the first one shows now.
			i.now = begin.Add(gracePeriod)
			i.look()
			i.look()
			if len(i.told) != 1 {
				t.Fatalf("told %v", i.told)
			}
			told := i.told[0]
			if told.Reason != v1alpha1.EventCertificateNotReady || !told.Warning || told.Regarding.Name != "reprise-0" || !told.Aggregate {
				t.Errorf("told %+v", told)
			}
			for _, words := range []string{tt.says, "Reprise issues and renews it in Secret reprise-system/reprise-tls"} {
				if !strings.Contains(told.Message, words) {
					t.Errorf("the message lacks %q: %s", words, told.Message)
				}
			}
			delete(i.fails, tt.fails)
			i.look()
			i.look()
			if err := i.Serving.Ready(nil); err != nil {
				t.Errorf("not ready after the repair: %v", err)
			}
		})
	}
}

func TestController_Reconcile_WithoutConfigurations(t *testing.T) {
	for name, tt := range map[string]struct {
		reason string
		err    error
		fails  bool
	}{
		"Gone":   {"nobody asks for the certificate", apierrors.NewNotFound(corev1.Resource("any"), "any"), false},
		"Unread": {"whether it is trusted is not known", errors.New("etcd is busy"), true},
	} {
		for _, kind := range []string{"get Validating", "get Mutating"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				i := newInstall(t)
				i.fails[kind] = tt.err
				if _, err := i.Reconcile(t.Context(), reconcile.Request{}); (err != nil) != tt.fails || tt.fails && !errors.Is(err, tt.err) {
					t.Errorf("%s: %v", tt.reason, err)
				}
			})
		}
	}
}

// informers serve all kinds from the same informer, which holds one webhook configuration, and note
// the kinds.
type informers struct {
	*informertest.FakeInformers
	one toolscache.SharedIndexInformer

	mu    sync.Mutex
	kinds []string
}

// GetInformer implements cache.Cache.
func (i *informers) GetInformer(_ context.Context, object client.Object, _ ...cache.InformerGetOption) (cache.Informer, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.kinds = append(i.kinds, fmt.Sprintf("%T", object))
	return i.one, nil
}

func TestController_SetupWithManager(t *testing.T) {
	const mutating, validating = "*v1.MutatingWebhookConfiguration", "*v1.ValidatingWebhookConfiguration"
	for name, tt := range map[string]struct {
		secrets bool
		want    []string
	}{
		"SelfSigned": {true, []string{mutating, "*v1.Secret", validating}},
		"Files":      {false, []string{mutating, validating}},
	} {
		t.Run(name, func(t *testing.T) {
			source := fcache.NewFakeControllerSource()
			source.Add(&admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "any"}})
			all := &informers{
				FakeInformers: &informertest.FakeInformers{Scheme: schemeOf(t)},
				one:           toolscache.NewSharedIndexInformer(source, &admissionregistrationv1.MutatingWebhookConfiguration{}, 0, nil),
			}
			manager, err := ctrl.NewManager(&rest.Config{}, ctrl.Options{
				Scheme: all.Scheme, Metrics: server.Options{BindAddress: "0"}, Logger: logr.Discard(),
				Controller:     config.Controller{SkipNameValidation: new(true)},
				MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return meta.NewDefaultRESTMapper(nil), nil },
				NewCache:       func(*rest.Config, cache.Options) (cache.Cache, error) { return all, nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			i := newInstall(t)
			looked := make(chan struct{}, 100)
			i.Now = func() time.Time { looked <- struct{}{}; return begin }
			if err := i.SetupWithManager(manager, tt.secrets); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error)
			go all.one.Run(ctx.Done())
			go func() { ended <- manager.Start(ctx) }()
			select {
			case <-looked:
			case <-time.After(time.Minute):
				t.Error("a webhook configuration is not looked at")
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			slices.Sort(all.kinds)
			if !slices.Equal(all.kinds, tt.want) {
				t.Errorf("watches %q, want %q", all.kinds, tt.want)
			}
		})
	}
}

func TestFiles_Pair(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certificateFile, keyFile, missing := write("tls.crt", "c"), write("tls.key", "k"), filepath.Join(dir, "missing")
	for name, tt := range map[string]struct {
		reason string
		files  Files
		want   certificate.Pair
		says   string
	}{
		"Both":          {"both are read", Files{Certificate: certificateFile, Key: keyFile}, certificate.Pair{Certificate: []byte("c"), Key: []byte("k")}, ""},
		"NotMounted":    {"there is none yet", Files{Certificate: missing, Key: keyFile}, certificate.Pair{}, ""},
		"NoKey":         {"a certificate needs its key", Files{Certificate: certificateFile, Key: missing}, certificate.Pair{}, "reading the key"},
		"NoCertificate": {"it cannot be read", Files{Certificate: dir, Key: keyFile}, certificate.Pair{}, "reading the serving certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tt.files.Pair(t.Context(), certificate.Pair{}, nil)
			if !bytes.Equal(got.Certificate, tt.want.Certificate) || !bytes.Equal(got.Key, tt.want.Key) {
				t.Errorf("%s: %q", tt.reason, got)
			}
			if (err != nil) != (tt.says != "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %v", tt.reason, err)
			}
		})
	}
	if got := (Files{Remedy: "renew it"}).Advice(t.Context()); got != "renew it" {
		t.Errorf("advises %q", got)
	}
}

func TestCertManager_Advice(t *testing.T) {
	stored := func(ready certmanagermetav1.ConditionStatus) []client.Object {
		c := &certmanagerv1.Certificate{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "r"}}
		c.Status.Conditions = []certmanagerv1.CertificateCondition{{Type: certmanagerv1.CertificateConditionReady, Status: ready, Reason: "Issuing", Message: "waiting"}}
		return []client.Object{c}
	}
	for name, tt := range map[string]struct {
		objects []client.Object
		err     error
		says    string
	}{
		"NotInstalled": {nil, &meta.NoKindMatchError{}, "cert-manager is not installed"},
		"Gone":         {nil, nil, "Certificate n/r does not exist: helm upgrade restores it"},
		"Unread":       {nil, errors.New("etcd is busy"), "the reason is unknown: reading Certificate n/r: etcd is busy"},
		"NotReady":     {stored(certmanagermetav1.ConditionFalse), nil, "Certificate n/r: Issuing: waiting; see kubectl describe certificate r -n n"},
		"Ready":        {stored(certmanagermetav1.ConditionTrue), nil, "Certificate n/r is ready"},
	} {
		t.Run(name, func(t *testing.T) {
			live := interceptor.NewClient(fake.NewClientBuilder().WithScheme(schemeOf(t)).WithObjects(tt.objects...).Build(), interceptor.Funcs{
				Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
					if tt.err != nil {
						return tt.err
					}
					return c.Get(ctx, key, object, opts...)
				},
			})
			c := CertManager{Live: live, Object: types.NamespacedName{Namespace: "n", Name: "r"}}
			if got := c.Advice(t.Context()); !strings.HasPrefix(got, tt.says) {
				t.Errorf("advises %q, want %q", got, tt.says)
			}
		})
	}
}

func TestHost(t *testing.T) {
	for name, tt := range map[string]struct {
		config admissionregistrationv1.WebhookClientConfig
		want   string
	}{
		"Service": {admissionregistrationv1.WebhookClientConfig{Service: &admissionregistrationv1.ServiceReference{Namespace: "n", Name: "s"}}, "s.n.svc"},
		"URL":     {admissionregistrationv1.WebhookClientConfig{URL: new("https://reprise.example:8443/validate")}, "reprise.example"},
		"IPv6":    {admissionregistrationv1.WebhookClientConfig{URL: new("https://[::1]:8443/")}, "::1"},
		"BadURL":  {admissionregistrationv1.WebhookClientConfig{URL: new("https://%")}, ""},
		"Neither": {admissionregistrationv1.WebhookClientConfig{}, ""},
	} {
		if got := host(&tt.config); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
