package history

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

// ran returns a revision's note of the digests of one image.
func ran(container, image string, digests ...string) []v1alpha1.ContainerImage {
	return []v1alpha1.ContainerImage{{ContainerName: container, Image: image, Digests: digests}}
}

func TestImagesOf(t *testing.T) {
	template := &corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{{Name: "init", Image: "init:1"}},
		Containers:     []corev1.Container{{Name: "main", Image: "web"}, {Name: "side", Image: "side:1"}},
	}}
	pod := func(ids ...string) *corev1.Pod {
		p := &corev1.Pod{}
		for i := 0; i < len(ids); i += 2 {
			p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{Name: ids[i], ImageID: ids[i+1]})
		}
		return p
	}
	for name, tt := range map[string]struct {
		reason string
		pods   []*corev1.Pod
		want   []v1alpha1.ContainerImage
	}{
		"None":       {"there are no pods", nil, nil},
		"Containerd": {"the imageID of containerd", []*corev1.Pod{pod("main", "docker.io/library/web@sha256:a")}, ran("main", "web", "sha256:a")},
		"Docker":     {"the imageID of cri-dockerd", []*corev1.Pod{pod("main", "docker-pullable://web@sha256:a")}, ran("main", "web", "sha256:a")},
		"Local":      {"an image that was loaded on the node has no registry's digest", []*corev1.Pod{pod("main", "sha256:c")}, nil},
		"Waiting":    {"a container that never started", []*corev1.Pod{pod("main", "")}, nil},
		"Injected":   {"a container that the template does not have", []*corev1.Pod{pod("mesh", "mesh@sha256:m")}, nil},
		"Several":    {"pods of one revision ran different bytes", []*corev1.Pod{pod("main", "web@sha256:b"), pod("main", "web@sha256:a"), pod("main", "web@sha256:b")}, ran("main", "web", "sha256:a", "sha256:b")},
		"TooLong":    {"no digest is that long", []*corev1.Pod{pod("main", "web@sha256:"+strings.Repeat("a", 300))}, nil},
	} {
		if d := cmp.Diff(tt.want, ImagesOf(template, tt.pods)); d != "" {
			t.Errorf("%s: %s (-want +got):\n%s", name, tt.reason, d)
		}
	}
	both := &corev1.Pod{Status: corev1.PodStatus{
		InitContainerStatuses: []corev1.ContainerStatus{{Name: "init", ImageID: "init@sha256:i"}},
		ContainerStatuses:     []corev1.ContainerStatus{{Name: "side", ImageID: "side@sha256:s"}},
	}}
	if d := cmp.Diff(append(ran("init", "init:1", "sha256:i"), ran("side", "side:1", "sha256:s")...), ImagesOf(template, []*corev1.Pod{both})); d != "" {
		t.Errorf("init containers come first (-want +got):\n%s", d)
	}
}

func TestPins(t *testing.T) {
	two := func(a, b []v1alpha1.ContainerImage) []v1alpha1.ContainerImage { return append(a, b...) }
	for name, tt := range map[string]struct {
		reason         string
		target, failed []v1alpha1.ContainerImage
		// want are the pinned images, joined.
		want string
	}{
		"Moved":          {"the same reference, other bytes", ran("main", "web", "sha256:a"), ran("main", "web", "sha256:b"), "web@sha256:a"},
		"OtherContainer": {"another container pulled it", ran("main", "web", "sha256:a"), ran("other", "web", "sha256:b"), "web@sha256:a"},
		"Same":           {"the same bytes", ran("main", "web", "sha256:a"), ran("main", "web", "sha256:a"), ""},
		"OtherTag":       {"another reference tells nothing of this one", ran("main", "web:1", "sha256:a"), ran("main", "web:2", "sha256:b"), ""},
		"Unknown":        {"nothing is known of the target", nil, ran("main", "web", "sha256:b"), ""},
		"NeverRan":       {"nothing is known of the failed one", ran("main", "web", "sha256:a"), nil, ""},
		"Mixed":          {"the target's pods ran two digests", ran("main", "web", "sha256:a", "sha256:b"), ran("main", "web", "sha256:c"), ""},
		"InMidRollout":   {"it moved while pods were created", ran("main", "web", "sha256:a"), ran("main", "web", "sha256:a", "sha256:b"), "web@sha256:a"},
		"Digest":         {"the target names its bytes", ran("main", "web@sha256:a", "sha256:a"), ran("main", "web@sha256:a", "sha256:b"), ""},
		"Pinned":         {"the failed one is pinned already: never to and fro", ran("main", "web", "sha256:a"), ran("main", "web@sha256:a", "sha256:a"), ""},
		"OneMore": {
			"one was pinned and another moved: both are pinned",
			two(ran("main", "web", "sha256:a"), ran("side", "side", "sha256:s")), two(ran("main", "web@sha256:a", "sha256:a"), ran("side", "side", "sha256:t")),
			"web@sha256:a side@sha256:s",
		},
	} {
		failed, target := &v1alpha1.WorkloadRevision{}, &v1alpha1.WorkloadRevision{}
		failed.Status.Images, target.Status.Images = tt.failed, tt.target
		var got []string
		for _, pin := range Pins(failed, target) {
			got = append(got, pin.Image)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %s: %q, want %q", name, tt.reason, got, tt.want)
		}
	}
}

func TestMovedNote(t *testing.T) {
	digest := func(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }
	got := MovedNote(ran("main", "ghcr.io/x/podinfo:latest", digest("a")), ran("main", "ghcr.io/x/podinfo:latest", digest("b")))
	if want := "podinfo:latest moved: sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := MovedNote(nil, nil); got != "" {
		t.Errorf("nothing moved: %q", got)
	}
}

// TestPinned pins an image of a recorded revision: only that differs, and the webhook knows it as
// recorded.
func TestPinned(t *testing.T) {
	r, err := Next(Predecessors{}, observed(t, deployment("web:1")), &Files{}, Arrival{}, now)
	if err != nil {
		t.Fatal(err)
	}
	r.Status.Images = ran("main", "web:1", "sha256:a")
	if same, err := Pinned(r, nil); err != nil || same != r {
		t.Errorf("without pins it is another revision (%v)", err)
	}
	pinned, err := Pinned(r, []v1alpha1.PinnedImage{{ContainerName: "main", Image: "web:1@sha256:a"}})
	if err != nil {
		t.Fatal(err)
	}
	contents, err := DecodeSnapshot(pinned)
	if err != nil {
		t.Fatal(err)
	}
	intent, err := contents.Intent.Typed()
	if err != nil {
		t.Fatal(err)
	}
	if got := intent.Spec.Template.Spec.Containers[0].Image; got != "web:1@sha256:a" || pinned.Spec.IntentHash == r.Spec.IntentHash {
		t.Errorf("the image is %s", got)
	}
	for image, want := range map[string]bool{"web:1": true, "web:1@sha256:a": true, "web:1@sha256:b": false, "web:2@sha256:a": false, "evil@sha256:a": false} {
		asked := workload.IntentOf(deployment(image))
		if got := IsRecordedAs(r, asked, asked.Hash()); got != want {
			t.Errorf("%s is recorded: %t", image, got)
		}
	}
	r.Spec.Snapshot.Data = "damaged"
	if _, err := Pinned(r, []v1alpha1.PinnedImage{{ContainerName: "main", Image: "x"}}); err == nil {
		t.Error("a damaged snapshot was pinned")
	}
}
