package v1alpha1

// Snapshot is what a rollback writes: the intent as the API server had it (labels, annotations and
// spec, without replicas), which manager owned which field, and the contents of Score's files.
type Snapshot struct {
	// encoding is how the data is encoded, with its version: gzip+json/v1 is a JSON document of
	// intent, managedFields and files, compressed by gzip.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Encoding string `json:"encoding,omitempty"`
	// data is the encoded document, in base64. To read it: kubectl get wrev NAME -o
	// jsonpath='{.spec.snapshot.data}' | base64 -d | gunzip
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1572864
	Data string `json:"data,omitempty"`
	// sizeBytes is the size of data in bytes.
	// +optional
	// +kubebuilder:validation:Minimum=1
	SizeBytes int64 `json:"sizeBytes,omitempty"`
}

// RevisionFile is one of Score's files as a revision ran with it.
type RevisionFile struct {
	// configMapName names the ConfigMap that holds it, under the key file.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ConfigMapName string `json:"configMapName,omitempty"`
	// state says what is known of the content.
	// +required
	State FileState `json:"state,omitempty"`
	// mounts are where containers read it.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	Mounts []FileMount `json:"mounts,omitempty"`
	// resourceVersion is the resourceVersion of the ConfigMap that it was taken from.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// hash identifies the content.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Hash string `json:"hash,omitempty"`
	// sizeBytes is the size of the content in bytes. It is absent for an empty file.
	// +optional
	// +kubebuilder:validation:Minimum=1
	SizeBytes int64 `json:"sizeBytes,omitempty"`
}

// FileState says what a revision knows of one of Score's files.
//
// +kubebuilder:validation:Enum=Kept;KeptLate;TooLarge;Missing;Foreign
type FileState string

const (
	// FileKept means that the snapshot holds the content that the file had when the Deployment was
	// stored.
	FileKept FileState = "Kept"
	// FileKeptLate means that the file was written after the Deployment was stored, and that its
	// content before is not known any more: the snapshot holds the later content, and pods may have
	// started with an earlier one.
	FileKeptLate FileState = "KeptLate"
	// FileTooLarge means that the content was too large for the snapshot: a rollback cannot write it.
	FileTooLarge FileState = "TooLarge"
	// FileMissing means that the ConfigMap did not exist.
	FileMissing FileState = "Missing"
	// FileForeign means that the ConfigMap is not the workload's own: its name is not that of a file
	// of the workload, it has other keys or another owner, or none of the Deployment's deployers
	// wrote it. The snapshot does not hold its content, and a rollback does not write it.
	FileForeign FileState = "Foreign"
)

// FileMount is a place where a container reads a file.
type FileMount struct {
	// containerName names the container.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	ContainerName string `json:"containerName,omitempty"`
	// path is the file's path in the container.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Path string `json:"path,omitempty"`
}
