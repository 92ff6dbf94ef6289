package health_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/health"
)

// TestAssess_PullErrors has wordings of runtimes and registries, each with what is true of the
// image.
func TestAssess_PullErrors(t *testing.T) {
	const unpack, resolve = `rpc error: code = NotFound desc = failed to pull and unpack image "reg.example/a:1": `, `failed to resolve reference "reg.example/a:1": `
	tests := map[string]struct{ reason, message, truth string }{
		"ContainerdTag":      {"the registry answers 404", unpack + resolve + `reg.example/a:1: not found`, "missing"},
		"ContainerdPort":     {"a port is no clause", resolve + `reg.example:5000/not-found/a:1: not found`, "missing"},
		"ContainerdDigest":   {"an image by its digest", resolve + `reg.example/a@sha256:12ab: not found`, "missing"},
		"ContainerdHead":     {"the manifest of a tag", `unexpected status from HEAD request to https://reg.example/v2/a/manifests/1: 404 Not Found`, "missing"},
		"BackOff":            {"the kubelet repeats the error", `Back-off pulling image "reg.example/a:1": ErrImagePull: ` + unpack + resolve + `reg.example/a:1: not found`, "missing"},
		"CRIO":               {"the error code of the specification", `initializing source docker://reg.example/a:1: reading manifest 1 in reg.example/a: manifest unknown`, "missing"},
		"CRIORepository":     {"the repository is missing", `reading manifest 1 in reg.example/a: name unknown: repository name not known to registry`, "missing"},
		"GoogleArtifacts":    {"it adds words", `reading manifest 1 in gcr.example/p/a: manifest unknown: Failed to fetch "1" from request "/v2/p/a/manifests/1".`, "missing"},
		"Quay":               {"it answers as the specification says", `reading manifest 1 in quay.example/o/a: manifest unknown: manifest unknown`, "missing"},
		"Docker":             {"the daemon names the manifest", `Error response from daemon: manifest for ghcr.example/o/a:1 not found: manifest unknown`, "missing"},
		"HarborArtifact":     {"Harbor's own words", `Error response from daemon: unknown: artifact shop/a:1 not found`, "missing"},
		"ECRRepository":      {"the repository is missing", `Error response from daemon: repository 1.ecr.example/a not found: name unknown: The repository with name 'a' does not exist in the registry with id '1'`, "missing"},
		"DockerHub":          {"private and missing look the same", resolve + `pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`, "auth"},
		"GitHub":             {"a token without rights", resolve + `failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://ghcr.io/token: 403 Forbidden`, "auth"},
		"QuayPrivate":        {"a login is missing", `reading manifest 1 in quay.example/o/a: unauthorized: access to the requested resource is not authorized`, "auth"},
		"AzureToken":         {"the token has expired", resolve + `failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized`, "auth"},
		"RateLimit":          {"it passes", `reading manifest 1 in docker.example/a: toomanyrequests: You have reached your pull rate limit`, "transient"},
		"GatewayTimeout":     {"the registry is behind a proxy", resolve + `unexpected status from HEAD request to https://reg.example/v2/a/manifests/1: 504 Gateway Timeout`, "transient"},
		"ProxyConnect":       {"the proxy of the node", resolve + `failed to do request: Head "https://reg.example/v2/a/manifests/1": proxyconnect tcp: dial tcp: lookup proxy: no such host`, "transient"},
		"ProxyPage":          {"a proxy answers with a page", unpack + `failed to unpack image on snapshotter overlayfs: unexpected media type text/html for sha256:12ab: not found`, "transient"},
		"Certificate":        {"a clock or an authority", resolve + `failed to do request: Head "https://reg.example/v2/": tls: failed to verify certificate: x509: certificate has expired or is not yet valid`, "transient"},
		"BlobMissing":        {"a part is not replicated", `failed to copy: httpReadSeeker: failed open: content at https://reg.example/v2/a/blobs/sha256:12ab not found: not found`, "transient"},
		"Canceled":           {"the pull was too slow", unpack + `failed to copy: context canceled`, "transient"},
		"NameOfTheImage":     {"a name proves nothing", `failed to do request: Head "https://reg.example/v2/not-found/manifest-unknown/manifests/404": dial tcp 10.0.0.1:443: i/o timeout`, "transient"},
		"ContentStore":       {"the node lost a part", unpack + `failed to extract layer sha256:12ab: failed to get reader from content store: content digest sha256:34cd: not found`, "node"},
		"DigestOnly":         {"a part of the image", unpack + `sha256:34cd: not found`, "node"},
		"Snapshot":           {"the node lost a snapshot", unpack + `failed to prepare extraction snapshot "extract-1 sha256:12": parent snapshot sha256:12 does not exist: not found`, "node"},
		"Disk":               {"the node's disk is full", `writing blob: storing blob to file "/var/tmp/storage1/1": write /var/tmp/storage1/1: no space left on device`, "node"},
		"CredentialHelper":   {"the node has no helper", `error getting credentials - err: exec: "docker-credential-gcloud": executable file not found in $PATH, out: `, "node"},
		"CredentialPlugin":   {"the kubelet's plugin fails", `failed to get credentials from plugin: exec: "ecr-credential-provider": no such file or directory`, "node"},
		"ContainerdPlatform": {"no image for this node", unpack + `no match for platform in manifest: not found`, "platform"},
		"CRIOPlatform":       {"no image for this node", `choosing image instance: no image found in image index for architecture "arm64", variant "v8", OS "linux"`, "platform"},
		"DockerPlatform":     {"no image for this node", `no matching manifest for linux/arm64/v8 in the manifest list entries`, "platform"},
		"Chart":              {"it is a chart", unpack + `failed to unpack image on snapshotter overlayfs: unexpected media type application/vnd.cncf.helm.config.v1+json for sha256:12: not found`, "invalid"},
		"Reference":          {"the kubelet accepts it, the runtime does not", `failed to parse image name "A:1": invalid reference format: repository name must be lowercase`, "invalid"},
		"Signature":          {"a signature may follow its image", `copying system image from manifest list: Source image rejected: A signature was required, but no signature exists`, "forged"},
		"HarborPolicy":       {"a scan may follow its image", `unknown: current image without vulnerability scanning cannot be pulled due to configured policy`, "forged"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if differs := pullDiffers(tt.message, tt.truth); differs != "" {
				t.Errorf("%s: %s", tt.reason, differs)
			}
		})
	}
}

func TestAssess_StartErrors(t *testing.T) {
	tests := map[string]struct {
		reason, waits, message string
		soon, late             health.State
	}{
		"RuncNoExecutable":    {"it is not in the image", "RunContainerError", `OCI runtime create failed: runc create failed: unable to start container process: exec: "app": executable file not found in $PATH: unknown`, health.Failed, health.Failed},
		"RuncOld":             {"an older runc", "RunContainerError", `OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "/app": permission denied: unknown`, health.Failed, health.Failed},
		"CrunNoExecutable":    {"crun has other words", "CreateContainerError", "container create failed: executable file `app` not found in $PATH: No such file or directory", health.Failed, health.Failed},
		"WorkingDirectory":    {"it is not in the image", "RunContainerError", `runc create failed: unable to start container process: chdir to cwd ("/srv") set in config.json failed: no such file or directory: unknown`, health.Failed, health.Failed},
		"NoCommand":           {"neither the image nor the spec has one", "CreateContainerError", `failed to generate container "a1" spec: failed to generate spec: no command specified`, health.Failed, health.Failed},
		"NoUser":              {"it is not in the image", "CreateContainerError", `failed to generate container "a1" spec: failed to generate spec: unable to find user app: no matching entries in passwd file`, health.Failed, health.Failed},
		"Capability":          {"there is none of this name", "CreateContainerError", `failed to generate container "a1" spec: unknown capability "CAP_NETADMIN" to add`, health.Failed, health.Failed},
		"RunAsNonRoot":        {"image and spec disagree", "CreateContainerConfigError", `container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root (pod: "a", container: main)`, health.Failed, health.Failed},
		"Namespaces":          {"the sandbox went away", "RunContainerError", `runc create failed: unable to create new parent process: namespace path: lstat /proc/0/ns/ipc: no such file or directory: unknown`, health.Progressing, health.Progressing},
		"Cgroup":              {"the node's trouble", "RunContainerError", `runc create failed: unable to apply cgroup configuration: failed to write 1: open /sys/fs/cgroup/x/cgroup.procs: no such file or directory: unknown`, health.Progressing, health.Progressing},
		"ShimSocket":          {"the node's trouble", "RunContainerError", `failed to start shim: fork/exec /usr/bin/containerd-shim-runc-v2: permission denied: unknown`, health.Progressing, health.Progressing},
		"NameReserved":        {"an earlier attempt goes on", "CreateContainerError", `failed to reserve container name "main_a_0": name "main_a_0" is reserved for "1f"`, health.Progressing, health.Progressing},
		"CacheNotSynced":      {"the kubelet catches up", "CreateContainerConfigError", `failed to sync secret cache: timed out waiting for the condition`, health.Progressing, health.Progressing},
		"ConfigMapMissing":    {"it may be applied after its user", "CreateContainerConfigError", `configmap "a" not found`, health.Progressing, health.Failed},
		"HookOfTheNameOfExec": {"words in a name prove nothing", "RunContainerError", `error during container init: mounting "/exec: permission denied/x" to rootfs: device busy`, health.Progressing, health.Progressing},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for age, want := range map[time.Duration]health.State{10 * time.Second: tt.soon, 90 * time.Second: tt.late} {
				r := rollout()
				unready(&r, waiting(tt.waits, tt.message))
				r.Pods[0].CreationTimestamp = ago(age)
				if got := health.Assess(r, now); got.State != want {
					t.Errorf("%s: after %s got %q (%s), want %q", tt.reason, age, got.State, got.Cause, want)
				}
			}
		})
	}
}

func TestAssess_RefusalsOfNobody(t *testing.T) {
	for name, tt := range map[string]struct {
		reason, message string
		want            health.State
	}{
		"Unreachable":     {"the webhook is down", `Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: Post "https://a.shop.svc:443/": context deadline exceeded`, health.Progressing},
		"NoLeader":        {"etcd has no leader", `etcdserver: no leader`, health.Progressing},
		"Overloaded":      {"the API server sheds load", `the server has received too many requests and has asked us to try again later`, health.Progressing},
		"NotReady":        {"admission is not ready", `pods "a-x" is forbidden: not yet ready to handle request`, health.Progressing},
		"QuotaUnknown":    {"the quota is new", `pods "a-x" is forbidden: status unknown for quota: team, resources: pods`, health.Progressing},
		"NamespaceGoes":   {"all of it goes away", `pods "a-x" is forbidden: unable to create new content in namespace shop because it is being terminated`, health.Progressing},
		"PolicyDenies":    {"a policy decides", `pods "a-x" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no`, health.Failed},
		"PriorityClass":   {"nobody brings it", `pods "a-x" is forbidden: no PriorityClass with name high was found`, health.Failed},
		"WordsOfARefusal": {"a policy may write of timeouts", `admission webhook "a.example.com" denied the request: timed out pods: connection refused`, health.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			r := rollout()
			rejectPods(&r, 70*time.Second)
			r.ReplicaSets[0].Status.Conditions[0].Message = tt.message
			if got := health.Assess(r, now); got.State != tt.want {
				t.Errorf("%s: got %q (%s)", tt.reason, got.State, got.Cause)
			}
		})
	}
}

// TestAssess_CauseKeepsTheReason has errors that name the image again and again.
func TestAssess_CauseKeepsTheReason(t *testing.T) {
	long := "registry.example.com/a-team/a-very-long-name-of-a-project/a-very-long-name-of-an-image:2026.11.26-0123456789abcdef"
	assess(t, map[string]judgement{
		"Forbidden": {
			reason: "the last words say why", want: health.Progressing, says: "403 Forbidden",
			change: func(r *health.Rollout) {
				r.Pods[0].Spec.Containers = []corev1.Container{{Name: "main", Image: long}}
				unready(r, waiting("ImagePullBackOff", `Back-off pulling image "`+long+`": ErrImagePull: rpc error: code = Unknown desc = failed to pull and unpack image "`+long+
					`": failed to resolve reference "`+long+`": unexpected status from HEAD request to https://`+long+`: 403 Forbidden`))
			},
		},
	})
}
