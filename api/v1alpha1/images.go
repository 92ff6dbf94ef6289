package v1alpha1

// ContainerImage is what the pods of a revision ran in one container. A tag can move: only the
// digest names the bytes.
type ContainerImage struct {
	// containerName names the container or the init container.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	ContainerName string `json:"containerName,omitempty"`
	// image is the reference in the pod template.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Image string `json:"image,omitempty"`
	// digests are the digests that the nodes resolved the reference to. More than one means that it
	// moved while pods were created.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	Digests []string `json:"digests,omitempty"`
}

// PinnedImage is a reference that a rollback writes in the place of the recorded one, with the
// digest that ran.
type PinnedImage struct {
	// containerName names the container or the init container.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	ContainerName string `json:"containerName,omitempty"`
	// image is the reference with the digest.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1281
	Image string `json:"image,omitempty"`
}
