package diff_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

func intent(change func(*corev1.Container, *workload.Intent)) workload.Intent {
	container := corev1.Container{
		Name:  "frontend",
		Image: "example.com/app:1.0.0",
		Env: []corev1.EnvVar{
			{Name: "MODE", Value: "fast"},
			{Name: "DB_PASSWORD", Value: "hunter2"},
		},
		Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("200Mi")}},
	}
	i := workload.Intent{
		Labels: map[string]string{"app": "a"},
		Spec:   appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{}},
	}
	if change != nil {
		change(&container, &i)
	}
	i.Spec.Template.Spec.Containers = append([]corev1.Container{container}, i.Spec.Template.Spec.Containers...)
	return i
}

func TestIntents_ScoreTerms(t *testing.T) {
	tests := map[string]struct {
		reason string
		change func(*corev1.Container, *workload.Intent)
		want   string
	}{
		"Nothing": {
			reason: "equal intents have no change",
			want:   "no change",
		},
		"Image": {
			reason: "only the tag is shown where the repository is the same",
			change: func(c *corev1.Container, _ *workload.Intent) { c.Image = "example.com/app:1.0.1" },
			want:   "containers.frontend.image 1.0.0 → 1.0.1",
		},
		"OtherRepository": {
			reason: "another repository is shown whole",
			change: func(c *corev1.Container, _ *workload.Intent) { c.Image = "example.org/app:1.0.0" },
			want:   "containers.frontend.image example.com/app:1.0.0 → example.org/app:1.0.0",
		},
		"Variables": {
			reason: "a variable is one change, whether it comes, goes or changes; credentials are masked",
			change: func(c *corev1.Container, _ *workload.Intent) {
				c.Env = []corev1.EnvVar{{Name: "DB_PASSWORD", Value: "hunter3"}, {Name: "URL", Value: "postgres://me:pw@db/x"}}
			},
			want: "containers.frontend.variables.DB_PASSWORD changed, containers.frontend.variables.MODE removed, " +
				"containers.frontend.variables.URL added (postgres://me:***@db/x)",
		},
		"Command": {
			reason: "a list of words is shown as it is written",
			change: func(c *corev1.Container, _ *workload.Intent) { c.Args = []string{"echo boom >&2; exit 1"} },
			want:   `containers.frontend.args added (["echo boom >&2; exit 1"])`,
		},
		"EqualQuantities": {
			reason: "quantities compare by value",
			change: func(c *corev1.Container, _ *workload.Intent) {
				c.Resources.Limits[corev1.ResourceMemory] = resource.MustParse("204800Ki")
			},
			want: "no change",
		},
		"Quantity": {
			reason: "a limit is named by its path",
			change: func(c *corev1.Container, _ *workload.Intent) {
				c.Resources.Limits[corev1.ResourceMemory] = resource.MustParse("300Mi")
			},
			want: "containers.frontend.resources.limits.memory 200Mi → 300Mi",
		},
		"Structure": {
			reason: "a structure that came as a whole counts once, at its top",
			change: func(c *corev1.Container, i *workload.Intent) {
				c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/x", Port: intstr.FromInt32(8080)}}}
				i.Spec.Template.Spec.Containers = []corev1.Container{{Name: "sidecar", Image: "x"}}
			},
			want: "containers.sidecar added (image x), containers.frontend.readinessProbe added (httpGet :8080/x)",
		},
		"ForeignRegistryPort": {
			reason: "the port of a registry is no tag",
			change: func(c *corev1.Container, _ *workload.Intent) { c.Image = "example.com:5000/app" },
			want:   "containers.frontend.image example.com/app:1.0.0 → example.com:5000/app",
		},
		"RawQuantities": {
			reason: "a manifest's quantities are not canonical, and plain numbers have another format",
			change: func(c *corev1.Container, _ *workload.Intent) {
				c.Resources.Limits[corev1.ResourceMemory] = resource.MustParse("209715200")
			},
			want: "no change",
		},
		"SmallStructure": {
			reason: "a structure that came shows what is in it",
			change: func(c *corev1.Container, _ *workload.Intent) {
				c.Resources.Requests = corev1.ResourceList{"cpu": resource.MustParse("150m"), "memory": resource.MustParse("0.1Gi")}
			},
			want: "containers.frontend.resources.requests added (cpu 150m, memory 107374182400m)",
		},
		"References": {
			reason: "where a variable comes from is no secret, also where it was a value",
			change: func(c *corev1.Container, _ *workload.Intent) {
				c.Env[0] = corev1.EnvVar{Name: "MODE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}
				c.Env[1] = corev1.EnvVar{Name: "DB_PASSWORD", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
					LocalObjectReference: corev1.LocalObjectReference{Name: "db"}, Key: "password"}}}
			},
			want: "containers.frontend.variables.DB_PASSWORD *** → secretKeyRef db/password, " +
				"containers.frontend.variables.MODE fast → fieldRef metadata.name",
		},
		"OrderOfVariables": {
			reason: "the order of variables, containers and volumes is none of the API's",
			change: func(c *corev1.Container, _ *workload.Intent) { c.Env[0], c.Env[1] = c.Env[1], c.Env[0] },
			want:   "no change",
		},
		"RepeatedVariable": {
			reason: "of variables with one name the last counts",
			change: func(c *corev1.Container, _ *workload.Intent) {
				c.Env = append(c.Env, corev1.EnvVar{Name: "MODE", Value: "slow"})
			},
			want: "containers.frontend.variables.MODE fast → slow",
		},
		"RepeatedPort": {
			reason: "the API server stores a port twice, with a warning",
			change: func(c *corev1.Container, _ *workload.Intent) {
				c.Ports = []corev1.ContainerPort{{Name: "a", ContainerPort: 80}, {Name: "b", ContainerPort: 80, Protocol: "TCP"}}
			},
			want: `containers.frontend.ports.80 added ([{"containerPort":80,"name":"a","protocol":"TCP"},{"containe…)`,
		},
		"Ports": {
			reason: "a port is named by its number, and by its protocol where that is not TCP",
			change: func(c *corev1.Container, _ *workload.Intent) {
				c.Ports = []corev1.ContainerPort{{ContainerPort: 80}, {ContainerPort: 53, Protocol: "UDP"}}
			},
			want: "containers.frontend.ports.53/UDP added (containerPort 53, protocol UDP), " +
				"containers.frontend.ports.80 added (protocol TCP)",
		},
		"MountAndVolume": {
			reason: "Score keys volumes by the path in the container",
			change: func(c *corev1.Container, i *workload.Intent) {
				c.VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
				i.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
					PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "x"}}}}
			},
			want: "containers.frontend.volumes./data added (name data), volumes.data added (persistentVolumeClaim claimName x)",
		},
		"ExplicitDefault": {
			reason: "a default that is spelled out equals one that is left to the API server; another value is one that came",
			change: func(_ *corev1.Container, i *workload.Intent) {
				i.Spec.RevisionHistoryLimit, i.Spec.ProgressDeadlineSeconds = new(int32(10)), new(int32(60))
			},
			want: "progressDeadlineSeconds added (60)",
		},
		"Metadata": {
			reason: "labels and annotations are named without metadata; kubectl's memory of an apply is none",
			change: func(_ *corev1.Container, i *workload.Intent) {
				i.Labels = map[string]string{"app": "b"}
				i.Annotations = map[string]string{workload.LastApplied: "{}"}
				i.Spec.Template.Annotations = map[string]string{"team": "x"}
			},
			want: "labels.app a → b, template.annotations added (team x)",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			changes, err := diff.Intents(intent(nil), intent(tt.change))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, changes.Short(1024)); d != "" {
				t.Errorf("%s: (-want +got)\n%s", tt.reason, d)
			}
		})
	}
}

func TestIntents_ChangedDefaultShowsBothValues(t *testing.T) {
	withLimit := func(limit int32) workload.Intent {
		return intent(func(_ *corev1.Container, i *workload.Intent) { i.Spec.RevisionHistoryLimit = &limit })
	}
	changes, err := diff.Intents(withLimit(3), withLimit(10))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := changes.Short(1024), "revisionHistoryLimit 3 → 10"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
