package recorder

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
)

func TestNotAfter(t *testing.T) {
	at := func(version string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{ResourceVersion: version}}
	}
	for name, tt := range map[string]struct {
		stored *corev1.ConfigMap
		want   bool
	}{
		"Before":     {at("99"), true},
		"Same":       {at("100"), true},
		"After":      {at("101"), false},
		"Missing":    {nil, false},
		"NoVersion":  {at(""), false},
		"NotANumber": {at("abc"), false},
	} {
		if got := notAfter(tt.stored, "100"); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestRecorder_filesOf writes a file after its Deployment, and lets the API server answer what the
// file was before.
func TestRecorder_filesOf(t *testing.T) {
	for test, tt := range map[string]struct {
		reason string
		// past is what the API server answers for the Deployment's resourceVersion.
		past         func(*corev1.ConfigMapList) error
		shared       bool
		adoption     history.Adoption
		want         string
		writtenAfter bool
	}{
		"Watched":   {"the file is as it was when the Deployment was stored", was("one"), true, "", "one", false},
		"NotYet":    {"there was no file: no pod could start without it", func(*corev1.ConfigMapList) error { return nil }, true, "", "two", false},
		"Compacted": {"the API server does not know it any more", fails(apierrors.NewResourceExpired("compacted")), true, "", "two", true},
		"Gone":      {"the same, in the words of another version", fails(gone()), true, "", "two", true},
		"Adopted":   {"the deployment was not watched", was("one"), true, history.AdoptedInitially, "two", false},
		"TwoEtcds":  {"the versions cannot be compared", was("one"), false, "", "two", false},
		"Fails":     {"the read fails, and is retried", fails(errTimeout), true, "", "", false},
	} {
		t.Run(test, func(t *testing.T) {
			c := newCluster(t)
			e := c.deploy(t, "x:1", mounted)
			e.Adoption = tt.adoption
			c.writeFile(t, "two")
			r := c.recorder()
			r.sharedResourceVersions = tt.shared
			r.Live = interceptor.NewClient(c.Client(), interceptor.Funcs{
				List: func(ctx context.Context, inner client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					files, ok := list.(*corev1.ConfigMapList)
					if !ok {
						return inner.List(ctx, list, opts...)
					}
					asked := (&client.ListOptions{}).ApplyOptions(opts).AsListOptions()
					if asked.ResourceVersion != e.Deployment.ResourceVersion || asked.ResourceVersionMatch != metav1.ResourceVersionMatchExact {
						t.Errorf("asked for %q %q", asked.ResourceVersion, asked.ResourceVersionMatch)
					}
					return tt.past(files)
				},
			})
			_, err := r.recordOnce(t.Context(), e)
			if tt.want == "" {
				if !errors.Is(err, errTimeout) {
					t.Errorf("%s: %v", tt.reason, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			newest := c.history(t).Newest()
			contents, err := history.DecodeSnapshot(newest)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(contents.Files[fileName].Content); got != tt.want || (newest.Spec.Files[0].State == v1alpha1.FileKeptLate) != tt.writtenAfter {
				t.Errorf("%s: %q, %s", tt.reason, got, newest.Spec.Files[0].State)
			}
		})
	}
}

// was answers that the file held a content.
func was(content string) func(*corev1.ConfigMapList) error {
	return func(list *corev1.ConfigMapList) error {
		list.Items = []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: fileName}, BinaryData: map[string][]byte{"file": []byte(content)}}}
		return nil
	}
}

func fails(err error) func(*corev1.ConfigMapList) error {
	return func(*corev1.ConfigMapList) error { return err }
}

func TestSharedResourceVersions(t *testing.T) {
	for test, tt := range map[string]struct {
		versions []string // Of Deployments, ConfigMaps and Deployments again.
		want     bool
	}{
		"OneEtcd":      {[]string{"10", "10", "10"}, true},
		"Busy":         {[]string{"10", "12", "15"}, true},
		"TwoEtcds":     {[]string{"10", "900", "11"}, false},
		"TwoEtcdsLess": {[]string{"900", "10", "900"}, false},
		"NotNumbers":   {[]string{"a", "b", "c"}, false},
	} {
		calls := 0
		live := interceptor.NewClient(newCluster(t).Client(), interceptor.Funcs{
			List: func(_ context.Context, _ client.WithWatch, list client.ObjectList, _ ...client.ListOption) error {
				list.SetResourceVersion(tt.versions[calls])
				calls++
				return nil
			},
		})
		if got, err := sharedResourceVersions(t.Context(), live); err != nil || got != tt.want {
			t.Errorf("%s: %v, %v", test, got, err)
		}
	}
	broken := interceptor.NewClient(newCluster(t).Client(), interceptor.Funcs{
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return errTimeout
		},
	})
	if _, err := sharedResourceVersions(t.Context(), broken); !errors.Is(err, errTimeout) {
		t.Errorf("got %v", err)
	}
}
