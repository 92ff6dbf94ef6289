package reprise.mutable_image_tag_test

import data.reprise.mutable_image_tag as rule

test_images_that_may_change_are_named if {
	some image in ["nginx", "nginx:latest", "registry.example.com:5000/team/app", "registry.example.com:5000/app:latest"]
	rule.deny == {{
		"field": "spec.template.spec.containers[0].image",
		"msg": sprintf("%s may change without a deployment", [image]),
		"fix": "name a version or a digest",
	}} with input as pod(image)
}

test_every_mutable_form_is_found if {
	every image in ["nginx", "nginx:latest", "registry.example.com:5000/team/app", "registry.example.com:5000/app:latest"] {
		count(rule.deny) == 1 with input as pod(image)
	}
}

test_versions_and_digests_are_fine if {
	every image in ["nginx:1.27", "registry.example.com:5000/app:1", "nginx@sha256:0a", "nginx:latest@sha256:0a", ""] {
		count(rule.deny) == 0 with input as pod(image)
	}
}

test_init_containers_are_judged_too if {
	count(rule.deny) == 1 with input as {"effective": {"pod": {"spec": {
		"containers": [],
		"initContainers": [{"name": "migrate", "image": "flyway"}],
	}}}}
}

pod(image) := {"effective": {"pod": {"spec": {"containers": [{"name": "main", "image": image}]}}}}
