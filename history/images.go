package history

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

const (
	// maxImages is how many containers a revision notes images of, and maxDigests how many digests of
	// one.
	maxImages  = 64
	maxDigests = 8
	// maxReference and maxDigest are how long, in bytes, a reference and its digest may be.
	maxReference = 1024
	maxDigest    = 256
	// shownDigest is how much of a digest people see.
	shownDigest = len("sha256:") + 12
)

// ImagesOf returns what pods ran, by the containers of their template. A container that has not
// run, one that the template does not have, and an image without a digest of its registry are left
// out: a node that loaded an image itself knows no such digest.
func ImagesOf(template *corev1.PodTemplateSpec, pods []*corev1.Pod) []v1alpha1.ContainerImage {
	digests := map[string][]string{}
	for _, pod := range pods {
		for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
			for i := range statuses {
				name := statuses[i].Name
				if digest := digestOf(statuses[i].ImageID); digest != "" && !slices.Contains(digests[name], digest) && len(digests[name]) < maxDigests {
					digests[name] = append(digests[name], digest)
				}
			}
		}
	}
	var all []v1alpha1.ContainerImage
	for _, containers := range [][]corev1.Container{template.Spec.InitContainers, template.Spec.Containers} {
		for i := range containers {
			c := &containers[i]
			if len(digests[c.Name]) == 0 || len(all) == maxImages || len(c.Image) > maxReference {
				continue
			}
			slices.Sort(digests[c.Name])
			all = append(all, v1alpha1.ContainerImage{ContainerName: c.Name, Image: c.Image, Digests: digests[c.Name]})
		}
	}
	return all
}

// digestOf returns the digest that a registry gave an image, by the imageID of a container's
// status, such as docker.io/library/nginx@sha256:…; empty if it has none. Without an @, an imageID
// is that of the image's configuration on one node, and no registry knows it.
func digestOf(imageID string) string {
	_, digest, found := strings.Cut(imageID, "@")
	if !found || !strings.Contains(digest, ":") || len(digest) > maxDigest {
		return ""
	}
	return digest
}

// isPinned reports whether a reference names its bytes.
func isPinned(image string) bool { return strings.Contains(image, "@") }

// moved is a reference that named other bytes before than it does now.
type moved struct {
	container, image, before, now string
}

// movedImages returns the references of an earlier revision that later pods ran other bytes under,
// in any of their containers. Where the earlier one's pods ran several digests, it is not known
// which of them is meant.
func movedImages(earlier, later []v1alpha1.ContainerImage) []moved {
	var all []moved
	for _, e := range earlier {
		if isPinned(e.Image) || len(e.Digests) != 1 {
			continue
		}
		for _, l := range later {
			other := slices.IndexFunc(l.Digests, func(digest string) bool { return digest != e.Digests[0] })
			if l.Image == e.Image && other >= 0 {
				all = append(all, moved{container: e.ContainerName, image: e.Image, before: e.Digests[0], now: l.Digests[other]})
				break
			}
		}
	}
	return all
}

// Pins returns the references that a rollback to a target writes with the digests that ran there:
// those under which the failed revision's pods ran other bytes, and with them those that the failed
// one had pinned already. It returns none unless a reference moved, and none where no digest is
// known.
func Pins(failed, target *v1alpha1.WorkloadRevision) []v1alpha1.PinnedImage {
	all := movedImages(target.Status.Images, failed.Status.Images)
	if len(all) == 0 {
		return nil
	}
	var pins []v1alpha1.PinnedImage
	for _, ran := range target.Status.Images {
		pin := v1alpha1.PinnedImage{ContainerName: ran.ContainerName, Image: ran.Image + "@" + ran.Digests[0]}
		hasMoved := slices.ContainsFunc(all, func(m moved) bool { return m.container == ran.ContainerName })
		if hasMoved || slices.ContainsFunc(failed.Status.Images, func(f v1alpha1.ContainerImage) bool { return f.Image == pin.Image }) {
			pins = append(pins, pin)
		}
	}
	return pins
}

// MovedImages returns the changes of what a revision's pods ran under references that it shares
// with an earlier one. No field of the Deployment shows them.
func MovedImages(earlier, later []v1alpha1.ContainerImage) diff.Changes {
	var changes diff.Changes
	for _, m := range movedImages(earlier, later) {
		changes = append(changes, diff.Change{
			Field: fmt.Sprintf("containers.%s.image", m.container), Path: "status.images[" + m.container + "]", Kind: diff.Modified,
			Old: m.image + "@" + shorten(m.before), New: m.image + "@" + shorten(m.now),
		})
	}
	return changes
}

// MovedNote returns a sentence about the first reference that moved, empty if none did.
func MovedNote(earlier, later []v1alpha1.ContainerImage) string {
	all := movedImages(earlier, later)
	if len(all) == 0 {
		return ""
	}
	return fmt.Sprintf("%s moved: %s → %s", all[0].image[strings.LastIndex(all[0].image, "/")+1:], shorten(all[0].before), shorten(all[0].now))
}

func shorten(digest string) string { return digest[:min(len(digest), shownDigest)] }

// Pinned returns a full revision as a rollback writes it: with pinned images in its intent. It
// returns the revision itself if there are none. An error is ErrSnapshot or ErrTooLarge.
func Pinned(r *v1alpha1.WorkloadRevision, pins []v1alpha1.PinnedImage) (*v1alpha1.WorkloadRevision, error) {
	if len(pins) == 0 {
		return r, nil
	}
	contents, err := DecodeSnapshot(r)
	if err != nil {
		return nil, err
	}
	images := map[string]string{}
	for _, pin := range pins {
		images[pin.ContainerName] = pin.Image
	}
	contents.Intent = contents.Intent.WithImages(images)
	intent, err := contents.Intent.Typed()
	if err != nil {
		return nil, fmt.Errorf("revision %s: %w: %w", r.Name, ErrSnapshot, err)
	}
	pinned := r.DeepCopy()
	pinned.Spec.IntentHash, pinned.Spec.TemplateHash = intent.Hash(), workload.TemplateHash(&intent.Spec.Template)
	pinned.Spec.Snapshot, err = EncodeSnapshot(contents)
	return pinned, err
}

// IsRecordedAs reports whether an intent is that of a revision, or the revision's with images
// pinned to digests that its pods ran.
func IsRecordedAs(r *v1alpha1.WorkloadRevision, intent workload.Intent, hash string) bool {
	if r.Spec.IntentHash == hash {
		return true
	}
	if len(r.Status.Images) == 0 {
		return false
	}
	ran := map[string]v1alpha1.ContainerImage{}
	for _, image := range r.Status.Images {
		ran[image.ContainerName] = image
	}
	pinned := false
	intent.Spec = *intent.Spec.DeepCopy()
	for _, containers := range [][]corev1.Container{intent.Spec.Template.Spec.InitContainers, intent.Spec.Template.Spec.Containers} {
		for i := range containers {
			image, digest, found := strings.Cut(containers[i].Image, "@")
			if was := ran[containers[i].Name]; found && was.Image == image && slices.Contains(was.Digests, digest) {
				containers[i].Image, pinned = image, true
			}
		}
	}
	return pinned && intent.Hash() == r.Spec.IntentHash
}
