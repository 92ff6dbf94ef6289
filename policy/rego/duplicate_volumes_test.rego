package reprise.duplicate_volumes_test

import data.reprise.duplicate_volumes as rule

test_two_files_on_one_path_are_named if {
	rule.deny == {{
		"field": "spec.template.spec.volumes[1].name",
		"msg": "two volumes are named file-932d370d8a, mounted by app at /etc/app and sidecar at /etc/app",
		"fix": "give the file or volume another path in one of the containers: score-k8s names its volume after the path",
	}} with input as pod(["file-932d370d8a", "file-932d370d8a"])
}

test_each_repetition_is_told_once if {
	count(rule.deny) == 2 with input as pod(["a", "a", "a"])
}

test_volumes_of_different_names_are_fine if {
	count(rule.deny) == 0 with input as pod(["a", "b"])
	count(rule.deny) == 0 with input as pod([])
	count(rule.deny) == 0 with input as {"effective": {"pod": {"spec": {}}}}
}

pod(names) := {"effective": {"pod": {"spec": {
	"volumes": [{"name": name} | some name in names],
	"containers": [
		{"name": "app", "volumeMounts": [{"name": "file-932d370d8a", "mountPath": "/etc/app"}]},
		{"name": "sidecar", "volumeMounts": [{"name": "file-932d370d8a", "mountPath": "/etc/app"}]},
	],
}}}}
