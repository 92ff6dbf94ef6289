package fakeapi

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"reprise.dev/reprise/history/store"
)

// Cached returns the client of the process under test that reads from its cache. Revisions lack
// there what store.Trim drops. The cache is never behind but between Freeze and Thaw.
func (a *API) Cached() client.WithWatch {
	funcs := a.process()
	funcs.Get = func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
		if err := a.get(ctx, a.cache(c), key, object, opts...); err != nil {
			return err
		}
		_, err := store.Trim(object)
		return err
	}
	funcs.List = func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		if err := a.list(ctx, a.cache(c), list, opts...); err != nil {
			return err
		}
		return meta.EachListItem(list, func(item runtime.Object) error {
			_, err := store.Trim(item)
			return err
		})
	}
	return interceptor.NewClient(a.direct, funcs)
}

// cache returns what Cached reads from: what is stored, or what was stored when it froze.
func (a *API) cache(stored client.WithWatch) client.WithWatch {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.frozen != nil {
		return a.frozen
	}
	return stored
}

func (a *API) get(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
	if err := a.alive(); err != nil {
		return err
	}
	return c.Get(ctx, key, object, opts...)
}

func (a *API) list(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
	if err := a.alive(); err != nil {
		return err
	}
	return c.List(ctx, list, opts...)
}

// Freeze has the cache lag: it shows what is stored now, until Thaw or the next Freeze.
func (a *API) Freeze(t testing.TB) {
	t.Helper()
	objects, err := a.objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tracker := clienttesting.NewObjectTracker(a.scheme, serializer.NewCodecFactory(a.scheme).UniversalDecoder())
	frozen := a.builder().WithObjectTracker(tracker).WithReturnManagedFields().WithObjects(objects...).Build()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.frozen = frozen
}

// Thaw has the cache catch up.
func (a *API) Thaw() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.frozen = nil
}

// objects returns all that is stored.
func (a *API) objects(ctx context.Context) ([]client.Object, error) {
	a.mu.Lock()
	kinds := slices.Clone(a.kinds)
	a.mu.Unlock()
	var all []client.Object
	for _, kind := range kinds {
		made, err := a.scheme.New(kind.GroupVersion().WithKind(kind.Kind + "List"))
		if err != nil {
			return nil, fmt.Errorf("making a list of %s: %w", kind.Kind, err)
		}
		list, ok := made.(client.ObjectList)
		if !ok {
			return nil, fmt.Errorf("%T is no list", made)
		}
		if err := a.direct.List(ctx, list); err != nil {
			return nil, fmt.Errorf("listing %s: %w", kind.Kind, err)
		}
		if err := meta.EachListItem(list, func(item runtime.Object) error {
			if object, ok := item.(client.Object); ok {
				all = append(all, object)
			}
			return nil
		}); err != nil {
			return nil, fmt.Errorf("listing %s: %w", kind.Kind, err)
		}
	}
	return all, nil
}
