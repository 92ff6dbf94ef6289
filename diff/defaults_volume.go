package diff

import corev1 "k8s.io/api/core/v1"

func unsetVolumeDefaults(v *corev1.Volume) {
	if v.VolumeSource == (corev1.VolumeSource{}) {
		v.EmptyDir = &corev1.EmptyDirVolumeSource{}
	}
	if v.HostPath != nil {
		unset(&v.HostPath.Type, corev1.HostPathUnset)
	}
	if v.Secret != nil {
		unset(&v.Secret.DefaultMode, corev1.SecretVolumeSourceDefaultMode)
	}
	if v.ConfigMap != nil {
		unset(&v.ConfigMap.DefaultMode, corev1.ConfigMapVolumeSourceDefaultMode)
	}
	if v.DownwardAPI != nil {
		unset(&v.DownwardAPI.DefaultMode, corev1.DownwardAPIVolumeSourceDefaultMode)
		unsetDownwardDefaults(v.DownwardAPI.Items)
	}
	if v.Projected != nil {
		unsetProjectedDefaults(v.Projected)
	}
	if v.Ephemeral != nil && v.Ephemeral.VolumeClaimTemplate != nil {
		claim := &v.Ephemeral.VolumeClaimTemplate.Spec
		unset(&claim.VolumeMode, corev1.PersistentVolumeFilesystem)
		roundUp(claim.Resources.Limits)
		roundUp(claim.Resources.Requests)
	}
	if v.Image != nil {
		clearIf(&v.Image.PullPolicy, defaultPullPolicy(v.Image.Reference))
	}
	unsetDiskDefaults(&v.VolumeSource)
}

func unsetProjectedDefaults(p *corev1.ProjectedVolumeSource) {
	const hour = 3600
	unset(&p.DefaultMode, corev1.ProjectedVolumeSourceDefaultMode)
	for i := range p.Sources {
		if token := p.Sources[i].ServiceAccountToken; token != nil {
			unset(&token.ExpirationSeconds, hour)
		}
		if downward := p.Sources[i].DownwardAPI; downward != nil {
			unsetDownwardDefaults(downward.Items)
		}
	}
}

func unsetDownwardDefaults(items []corev1.DownwardAPIVolumeFile) {
	for i := range items {
		unsetFieldRefDefault(items[i].FieldRef)
	}
}

func unsetDiskDefaults(v *corev1.VolumeSource) {
	if v.ISCSI != nil {
		clearIf(&v.ISCSI.ISCSIInterface, "default")
	}
	if v.RBD != nil {
		clearIf(&v.RBD.RBDPool, "rbd")
		clearIf(&v.RBD.RadosUser, "admin")
		clearIf(&v.RBD.Keyring, "/etc/ceph/keyring")
	}
	if v.AzureDisk != nil {
		unset(&v.AzureDisk.CachingMode, corev1.AzureDataDiskCachingReadWrite)
		unset(&v.AzureDisk.FSType, "ext4")
		unset(&v.AzureDisk.ReadOnly, false)
		unset(&v.AzureDisk.Kind, corev1.AzureSharedBlobDisk)
	}
	if v.ScaleIO != nil {
		clearIf(&v.ScaleIO.StorageMode, "ThinProvisioned")
		clearIf(&v.ScaleIO.FSType, "xfs")
	}
}
