package health

import (
	"regexp"
	"strings"

	"reprise.dev/reprise/internal/oneline"
)

// The kubelet and the API server pass on the errors of others only as text. Each clause below is
// anchored to the component that writes it: words that only occur somewhere in an error, such as
// "not found", may be those of a node, of a proxy, or part of a name. An error that matches no
// clause waits for the deadline.
//
// In patterns, at stands for the beginning of a clause: errors of Go are joined by ": ".
const at = `(?:^|: |\n|desc = )`

// clause is what a component writes, and what it means.
type clause struct {
	pattern *regexp.Regexp
	// source is where the component writes it.
	source string
}

// clauses are alternatives of one meaning.
type clauses []clause

func (all clauses) match(text string) bool {
	for _, c := range all {
		if c.pattern.MatchString(text) {
			return true
		}
	}
	return false
}

func written(source, pattern string) clause { return clause{regexp.MustCompile(pattern), source} }

// imageMissing: the registry answers that it has no such image.
var imageMissing = clauses{
	// A digest alone names a part of the image.
	written("containerd: core/remotes/docker/resolver.go", at+`"?[^\s":]+[:/@.][^\s"]*"?: not found$`),
	written("distribution specification: error codes MANIFEST_UNKNOWN, NAME_UNKNOWN", at+`(?:manifest|name) unknown(?::|$)`),
	written("moby: distribution/errors.go", at+`manifest for \S+ not found(?::|$)`),
	written("moby before 1.13: distribution/pull_v2.go", `(?i)`+at+`tag \S+ not found in repository \S+$`),
	written("moby before 1.13: distribution/pull_v2.go", `(?i)`+at+`(?:error: )?image \S+ not found$`),
	written("Harbor: src/lib/errors", at+`(?:artifact|repository|project) \S+ not found$`),
	written("containerd: core/remotes/docker/resolver.go", `unexpected status from HEAD request to https?://\S+/manifests/[^\s/?]+(?:\?\S*)?: 404 Not Found$`),
	written("containerd: core/remotes/docker/fetcher.go", `failed with status code \[manifests [^\]\s]+\]: 404 Not Found$`),
}

// imageDigestOnly matches what looks like a missing image, but is a part of one on the node.
var imageDigestOnly = regexp.MustCompile(at + `"?(?:sha256|sha512):[0-9a-f]+"?: not found$`)

// imageUnfit: the image is there, and no node of this kind can run it.
var imageUnfit = clauses{
	written("containerd: core/images/image.go", at+`no match for platform in manifest\b`),
	written("moby: distribution/pull_v2.go", at+`no matching manifest for \S+`),
	written("moby: daemon/containerd", at+`image with reference \S+ was found but (?:does not|its platform)`),
	written("moby: image/store.go", at+`image operating system "[^"]*" cannot be used on this platform`),
	written("containers/image: internal/manifest", at+`no image found in (?:manifest list|image index) for architecture\b`),
	written("containerd: core/unpack", at+`unexpected media type application/vnd\.\S+ for\b`),
	written("containerd: core/remotes/docker/schema1", at+`media type "[^"]*" is no longer supported\b`),
	written("containers/image: manifest", at+`unsupported (?:schema version|manifest media type|docker v2s1)\b`),
	written("moby: distribution/pull_v2.go", at+`(?:unsupported manifest media type|mediaType in manifest should be|unsupported media type|invalid manifest)\b`),
	written("moby: distribution/pull_v2.go", at+`Docker Image Format v1,? .*(?:removed|no longer supported)`),
	written("distribution reference", at+`(?:failed to parse image name .*: )?invalid reference format\b`),
	written("containers/image: docker/reference", at+`repository name must be lowercase\b`),
	written("containers/common: short names", at+`short-name "[^"]*" did not resolve to an alias and no unqualified-search registries are defined`),
}

// imageRejected: a policy of the node or of the registry forbids to pull the image.
var imageRejected = clauses{
	written("containers/image: signature/policy_eval.go", at+`(?:Source image rejected|A signature was required, but no signature exists|Running image \S+ is rejected by policy)`),
	written("cri-api: errors.go", `because the signature validation failed(?::|$)`),
	written("cri-api: errors.go", at+`SignatureValidationFailed\b`),
	written("Harbor: vulnerable middleware", at+`current image (?:with \d+ vulnerabilit|without vulnerability scanning|with ".*" status of vulnerability scanning)`),
	written("Harbor: contenttrust middleware", at+`The image is not signed\b`),
	written("Artifactory: Xray", `(?i)\bdownload(?:ing)? (?:was )?blocked (?:by|due to) (?:.*\b)?(?:Xray|policy)`),
}

// neverStarts: the runtime cannot start what the spec and the image name.
var neverStarts = clauses{
	written("runc: libcontainer (os/exec, LookPath)",
		at+`exec: "(?:[^"\\]|\\.)*": (?:executable file not found in \$PATH|(?:stat \S+: )?no such file or directory|permission denied|is a directory)`),
	written("runc: libcontainer/standard_init_linux.go", at+`exec (?:user process caused:? ?)?"?(?:\S+: )?(?:exec format error|no such file or directory|permission denied)`),
	written("runc: libcontainer/init_linux.go", at+`chdir to cwd \("[^"]*"\) set in config\.json failed: (?:no such file or directory|permission denied|not a directory)`),
	written("runc: libcontainer/rootfs_linux.go", `Are you trying to mount a directory onto a file \(or vice-versa\)\?`),
	written("crun: src/libcrun", at+"executable file [`\"'][^`\"']*[`\"'] not found"),
	written("crun: src/libcrun", at+`open executable: (?:No such file or directory|Permission denied)`),
	written("crun: src/libcrun", at+"exec [`\"'][^`\"']*[`\"']: (?:Exec format error|No such file or directory|Permission denied)"),
	written("gVisor: runsc", at+`(?:error finding|failed to (?:find|load)) executable "[^"]*"`),
	written("hcsshim: internal/hcs", `hcs::System::CreateProcess \S*: The system cannot find the file specified\.`),
	written("containerd: pkg/oci/spec_opts.go", at+`no command specified\b`),
	written("moby: daemon/create.go", `(?i)`+at+`no command specified\b`),
	written("containerd: pkg/oci/spec_opts.go", at+`(?:unable to find (?:user|group) \S+: no matching entries in (?:passwd|group) file|no users found\b|no groups found\b)`),
	written("containerd: pkg/cap, moby: oci/caps", `(?i)`+at+`(?:unknown|invalid) capability\b`),
	written("CRI-O: server/container_create_linux.go", at+`unknown capability "[^"]*" to (?:add|drop)`),
}

// neverConfigured: the kubelet refuses the container for what its spec and its image say
// (k8s.io/kubernetes/pkg/kubelet/kuberuntime/security_context_others.go).
var neverConfigured = clauses{
	written("kubelet: kuberuntime/security_context", `^container has runAsNonRoot and image (?:will run as root|has non-numeric user)`),
	written("kubelet: kuberuntime/security_context", `^container's runAsUser breaks non-root policy`),
}

// kubeletCatchesUp: the kubelet does not know an object yet, or its node is in trouble. It tries
// again.
var kubeletCatchesUp = clauses{
	written("kubelet: kubelet_pods.go", `^services have not yet been read at least once`),
	written("kubelet: pkg/kubelet/util/manager", `^failed to sync (?:configmap|secret) cache: `),
	written("kubelet: kubelet_pods.go", `^(?:host IP unknown|failed to get host IP)`),
	written("kubelet: kubelet_pods.go", `^failed to (?:prepare|create) sub[pP]ath`),
	written("kubelet: context of a request", `(?:context deadline exceeded|timed out waiting for the condition|connection refused|etcdserver: .*)$`),
}

// secretMissing matches the kubelet's message about a Secret that is missing or lacks a key
// (k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go).
var secretMissing = regexp.MustCompile(`(?i)\bsecret\b`)

// endsForNode are the reasons of pods that the kubelet ends for the sake of their node, without the
// condition DisruptionTarget before Kubernetes 1.26 (k8s.io/kubernetes/pkg/kubelet: nodeshutdown,
// preemption, lifecycle).
var endsForNode = map[string]bool{
	"NodeShutdown": true, "Shutdown": true, "Terminated": true, "Preempting": true, "NodeLost": true, "NodeAffinity": true,
}

// nodeTrouble matches the kubelet's message about a pod that was ended for the sake of its node
// (k8s.io/kubernetes/pkg/kubelet/eviction/helpers.go).
var nodeTrouble = regexp.MustCompile(`^(?:The node was low on resource|(?:Pod was rejected: )?The node had condition|(?:Pod was rejected as|Pod was terminated in response to) .*node.*shut)`)

// refusedForever: the API server always refuses the same pod.
var refusedForever = clauses{
	written("API server: validation", `^Pod "[^"]*" is invalid: `),
	written("API server: admission/plugin limitranger", `is forbidden: \[?(?:maximum|minimum) \S+ usage per (Container|Pod)`),
	written("API server: admission/plugin limitranger", `is forbidden: \[?\S+ max limit to request ratio per`),
	written("API server: pod-security-admission", `is forbidden: violates PodSecurity "`),
	written("API server: admission/plugin resourcequota", `is forbidden: failed quota: .* must specify `),
}

// refusedForNow: a quota is exhausted, perhaps by other workloads.
var refusedForNow = clauses{
	written("API server: admission/plugin resourcequota", `is forbidden: (?:exceeded quota: |insufficient quota to match these scopes)`),
}

// refused: admission decides against the pod.
var refused = clauses{
	written("API server: admission/plugin/webhook/errors", `^admission webhook "[^"]*" denied the request`),
	written("API server: endpoints/handlers/responsewriters, admission plugins", `^\S+ (?:"[^"]*" )?is forbidden: `),
}

// refusedByNobody: admission is not ready, or the namespace goes away.
var refusedByNobody = clauses{
	written("API server: admission/plugin/namespace/lifecycle", `is forbidden: unable to create new content in namespace \S+ because it is being terminated`),
	written("API server: admission/plugin resourcequota", `is forbidden: status unknown for quota`),
	written("API server: pkg/admission/initializer", `is forbidden: not yet ready to handle request`),
	written("API server: admission/plugin/policy", `is forbidden: .*(?:not yet synced|failed to configure (?:policy|binding)|context deadline exceeded)`),
}

// wrappers are what the layers above put before an error: it names the image again and again.
var wrappers = regexp.MustCompile("^(?:" + strings.Join([]string{
	`Back-off pulling image "[^"]*": `,
	`(?:ErrImagePull|RegistryUnavailable|SignatureValidationFailed|ImagePullBackOff): `,
	`rpc error: code = \S+ desc = `,
	`Error response from daemon: `,
	`failed to pull and unpack image "[^"]*": `,
	`failed to resolve (?:reference|image) "[^"]*": `,
	`failed to create (?:containerd|shim) task: `,
	`OCI runtime create failed: `,
	`(?:runc create failed|crun): `,
	`unable to start container process: `,
	`failed to start container "[^"]*": `,
}, "|") + ")")

// innermost returns an error on one line, without the layers that wrapped it.
func innermost(message string) string {
	message = oneline.Of(message)
	for {
		within := wrappers.ReplaceAllString(message, "")
		if within == message {
			return strings.TrimPrefix(message, "exec: ")
		}
		message = within
	}
}
