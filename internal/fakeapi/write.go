package fakeapi

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// Write is one write of the process under test.
type Write struct {
	// Verb is create, update, patch, apply or delete.
	Verb string
	Kind string
	// Subresource is empty for the object itself.
	Subresource     string
	Namespace, Name string
	// Manager is the field manager that the caller names.
	Manager string
	DryRun  bool
	// Object is what the caller sends: of a patch, what it holds beside it.
	Object client.Object
	// Patch is the body of a patch.
	Patch []byte
}

// String returns what is written, such as "update Deployment shop/web as reprise".
func (w Write) String() string {
	text := fmt.Sprintf("%s %s", w.Verb, w.Kind)
	if w.Subresource != "" {
		text += "/" + w.Subresource
	}
	text += fmt.Sprintf(" %s/%s", w.Namespace, w.Name)
	if w.Manager != "" {
		text += " as " + w.Manager
	}
	if w.DryRun {
		text += ", dry run"
	}
	return text
}

// Is reports whether a write is of a verb and a kind, such as "update Deployment" or "patch
// WorkloadRevision/status". Dry runs are none.
func (w Write) Is(what string) bool {
	kind := w.Kind
	if w.Subresource != "" {
		kind += "/" + w.Subresource
	}
	return !w.DryRun && w.Verb+" "+kind == what
}

// Nth returns what fails the n-th write, counted from 1, once.
func Nth(n int, err error) func(Write) error {
	return NthOf(n, func(Write) bool { return true }, err)
}

// NthOf returns what fails the n-th of the writes that match, counted from 1, once.
func NthOf(n int, matches func(Write) bool, err error) func(Write) error {
	var mu sync.Mutex
	return func(w Write) error {
		mu.Lock()
		defer mu.Unlock()
		if !matches(w) {
			return nil
		}
		if n--; n == 0 {
			return err
		}
		return nil
	}
}

// All returns what fails all writes of a verb and a kind, as Write.Is has them.
func All(what string, err error) func(Write) error {
	return func(w Write) error {
		if w.Is(what) {
			return err
		}
		return nil
	}
}

var resource = schema.GroupResource{Resource: "objects"}

// Conflict returns what the API server answers when the object was changed meanwhile: 409.
func Conflict() error {
	return apierrors.NewConflict(resource, "object", errors.New("the object has been modified"))
}

// errUnauthorized is what an authorizer says of a request.
var errUnauthorized = fmt.Errorf("%s cannot update resource %q", `User "reprise"`, "objects")

// Errors returns refusals of the API server that come for other reasons than a conflict, by their
// codes, and a connection that breaks. One that starts forbids all until it has read the roles.
func Errors() map[string]error {
	return map[string]error{
		"403":           apierrors.NewForbidden(resource, "object", errors.New("not allowed")),
		"403 starting":  apierrors.NewForbidden(resource, "object", errUnauthorized),
		"422":           apierrors.NewInvalid(schema.GroupKind{Kind: "Object"}, "object", nil),
		"429":           apierrors.NewTooManyRequests("slow down", 1),
		"500":           apierrors.NewInternalError(errors.New("etcd is busy")),
		"broken stream": errors.New("connection reset by peer"),
	}
}

func (a *API) describe(verb string, object client.Object) Write {
	w := Write{Verb: verb, Namespace: object.GetNamespace(), Name: object.GetName(), Object: object}
	if kind, err := apiutil.GVKForObject(object, a.scheme); err == nil {
		w.Kind = kind.Kind
	}
	return w
}

// writing returns a client's writes, each of which goes through a function that stores it or not.
func (a *API) writing(through func(Write, func() error) error) interceptor.Funcs {
	return interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
			o := (&client.CreateOptions{}).ApplyOptions(opts)
			w := a.describe("create", object)
			w.Manager, w.DryRun = o.FieldManager, len(o.DryRun) > 0
			return through(w, func() error { return a.create(ctx, c, object, w.DryRun, opts) })
		},
		Update: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.UpdateOption) error {
			o := (&client.UpdateOptions{}).ApplyOptions(opts)
			w := a.describe("update", object)
			w.Manager, w.DryRun = o.FieldManager, len(o.DryRun) > 0
			return through(w, func() error { return a.update(ctx, c, object, w.DryRun, opts) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, opts ...client.PatchOption) error {
			o := (&client.PatchOptions{}).ApplyOptions(opts)
			w := a.describe("patch", object)
			w.Manager, w.DryRun = o.FieldManager, len(o.DryRun) > 0
			var err error
			if w.Patch, err = patch.Data(object); err != nil {
				return err
			}
			return through(w, func() error {
				return a.settle(ctx, c, object, func() error { return c.Patch(ctx, object, patch, opts...) })
			})
		},
		Apply: func(ctx context.Context, c client.WithWatch, wanted runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
			o := (&client.ApplyOptions{}).ApplyOptions(opts)
			object := &unstructured.Unstructured{}
			var err error
			if object.Object, err = runtime.DefaultUnstructuredConverter.ToUnstructured(wanted); err != nil {
				return fmt.Errorf("reading what is applied: %w", err)
			}
			w := a.describe("apply", object)
			w.Manager, w.DryRun = o.FieldManager, len(o.DryRun) > 0
			return through(w, func() error {
				return a.settle(ctx, c, object, func() error { return c.Apply(ctx, wanted, opts...) })
			})
		},
		Delete: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.DeleteOption) error {
			o := (&client.DeleteOptions{}).ApplyOptions(opts)
			w := a.describe("delete", object)
			w.DryRun = len(o.DryRun) > 0
			return through(w, func() error { return c.Delete(ctx, object, opts...) })
		},
		SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, object client.Object, opts ...client.SubResourceUpdateOption) error {
			o := (&client.SubResourceUpdateOptions{}).ApplyOptions(opts)
			w := a.describe("update", object)
			w.Subresource, w.Manager, w.DryRun = sub, o.FieldManager, len(o.DryRun) > 0
			return through(w, func() error { return c.SubResource(sub).Update(ctx, object, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, object client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			o := (&client.SubResourcePatchOptions{}).ApplyOptions(opts)
			w := a.describe("patch", object)
			w.Subresource, w.Manager, w.DryRun = sub, o.FieldManager, len(o.DryRun) > 0
			var err error
			if w.Patch, err = patch.Data(object); err != nil {
				return err
			}
			return through(w, func() error { return c.SubResource(sub).Patch(ctx, object, patch, opts...) })
		},
	}
}

// create gives an object what the API server does: a UID, a time and a first generation.
func (a *API) create(ctx context.Context, c client.Client, object client.Object, dryRun bool, opts []client.CreateOption) error {
	a.noteKind(object)
	if dryRun {
		if err := c.Get(ctx, client.ObjectKeyFromObject(object), object.DeepCopyObject().(client.Object)); err == nil {
			return apierrors.NewAlreadyExists(resource, object.GetName())
		}
		return nil
	}
	if object.GetUID() == "" {
		object.SetUID(types.UID(a.uid()))
	}
	if object.GetGeneration() == 0 {
		object.SetGeneration(1)
	}
	if err := c.Create(ctx, object, opts...); err != nil {
		return err
	}
	return c.Get(ctx, client.ObjectKeyFromObject(object), object) // The fake client's answer lacks managed fields.
}

// update raises the generation where the spec is another, and has a dry run fail where the update
// would.
func (a *API) update(ctx context.Context, c client.Client, object client.Object, dryRun bool, opts []client.UpdateOption) error {
	stored := object.DeepCopyObject().(client.Object)
	if err := c.Get(ctx, client.ObjectKeyFromObject(object), stored); err != nil {
		return err
	}
	if dryRun {
		if version := object.GetResourceVersion(); version != "" && version != stored.GetResourceVersion() {
			return Conflict()
		}
		return nil
	}
	object.SetGeneration(stored.GetGeneration())
	if !reflect.DeepEqual(specOf(object), specOf(stored)) {
		object.SetGeneration(stored.GetGeneration() + 1)
	}
	if err := c.Update(ctx, object, opts...); err != nil {
		return err
	}
	return c.Get(ctx, client.ObjectKeyFromObject(object), object) // The fake client's answer lacks managed fields.
}

// settle does a patch or an apply, and then gives what is stored its UID and generation. The object
// becomes what is stored.
func (a *API) settle(ctx context.Context, c client.Client, object client.Object, write func() error) error {
	a.noteKind(object)
	key := client.ObjectKeyFromObject(object)
	before := object.DeepCopyObject().(client.Object)
	known := c.Get(ctx, key, before)
	if err := write(); err != nil {
		return err
	}
	if err := c.Get(ctx, key, object); err != nil {
		return err
	}
	uid, generation := object.GetUID(), max(object.GetGeneration(), 1)
	if uid == "" {
		uid = types.UID(a.uid())
	}
	if known == nil && !reflect.DeepEqual(specOf(before), specOf(object)) {
		generation = before.GetGeneration() + 1
	}
	if uid == object.GetUID() && generation == object.GetGeneration() {
		return nil
	}
	metadata := fmt.Sprintf(`{"metadata":{"uid":%q,"generation":%d}}`, uid, generation)
	return c.Patch(ctx, object, client.RawPatch(types.MergePatchType, []byte(metadata)))
}

// specOf returns an object's spec, nil where it has none.
func specOf(object client.Object) any {
	plain, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil
	}
	return plain["spec"]
}

// Managers returns the field managers of an object, each with its operation and subresource, such
// as "kubectl Apply" or "kube-controller-manager Update status", in the order in which they are
// stored.
func Managers(object metav1.Object) []string {
	var all []string
	for _, e := range object.GetManagedFields() {
		text := fmt.Sprintf("%s %s", e.Manager, e.Operation)
		if e.Subresource != "" {
			text += " " + e.Subresource
		}
		all = append(all, text)
	}
	return all
}
