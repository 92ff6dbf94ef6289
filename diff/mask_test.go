package diff_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

func TestCredentialsInRunningTextAreMasked(t *testing.T) {
	const pem = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----"
	for text, want := range map[string]string{
		"dial postgres://app:s3cret@db:5432/x failed":   "dial postgres://app:***@db:5432/x failed",
		"postgres://app:s3/cr@et@db:5432/x":             "postgres://app:***@db:5432/x",
		"a://u:p@h1,b://u:p@h2":                         "a://u:***@h1,b://u:***@h2",
		"https://0123456789abcdef0123@o1.example.com/2": "https://***@o1.example.com/2",
		"app:s3cret@tcp(db:3306)/x":                     "app:***@tcp(db:3306)/x",
		`config: API_KEY="abc def" MODE=fast`:           `config: API_KEY=*** MODE=fast`,
		`{"user":"me","password":"a\"b","port":1}`:      `{"user":"me","password":***,"port":1}`,
		`"{\"token\":\"abc\",\"port\":1}"`:              `"{\"token\":***,\"port\":1}"`,
		"host=db password=hunter2 dbname=x":             "host=db password=*** dbname=x",
		"Server=db;Pwd=a,b&c;Database=x":                "Server=db;Pwd=***;Database=x",
		`PASSWORD=ab\cd MODE=fast`:                      `PASSWORD=*** MODE=fast`,
		`PASSWORD=\x"`:                                  `PASSWORD=***"`,
		`PASSWORD='a'"b"c MODE=fast`:                    `PASSWORD=*** MODE=fast`,
		"GET /?token=abc&page=2":                        "GET /?token=***&page=2",
		"run --db-password hunter2 --port 80":           "run --db-password *** --port 80",
		"run --token=abc --port=80":                     "run --token=*** --port=80",
		"<password>hunter2</password>":                  "<password>***</password>",
		"Authorization: Bearer eyJhbGciOi.J9":           "Authorization: Bearer ***",
		"Authorization: Basic bWU6cHc=":                 "Authorization: Basic ***",
		"got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc":  "got ***",
		"key AKIAIOSFODNN7EXAMPLE rejected":             "key *** rejected",
		"ghp_0123456789abcdefghij0123456789abcdef":      "***",
		"post https://hooks.slack.com/services/T0/B0/x": "post https://hooks.slack.com/services/***",
		"bad key " + pem + " in file":                   "bad key -----BEGIN EC PRIVATE KEY-----***-----END EC PRIVATE KEY----- in file",
		"-----BEGIN PRIVATE KEY-----\nMHc":              "-----BEGIN PRIVATE KEY-----***",

		// What only tells of credentials is what one looks for at night.
		"panic: no DATABASE_URL":                           "panic: no DATABASE_URL",
		"token bucket is empty":                            "token bucket is empty",
		"failed to read token: unexpected EOF":             "failed to read token: unexpected EOF",
		"password: must not be empty":                      "password: must not be empty",
		"basic authentication failed":                      "basic authentication failed",
		`secret "db" not found`:                            `secret "db" not found`,
		"flag --token is required":                         "flag --token is required",
		"DB_PASSWORD=$(DB_PASSWORD) TOKEN=${TOKEN}":        "DB_PASSWORD=$(DB_PASSWORD) TOKEN=${TOKEN}",
		"get http://db:8080/@scope/pkg":                    "get http://db:8080/@scope/pkg",
		"clone ssh://git@example.com/x":                    "clone ssh://git@example.com/x",
		"TOKENIZER=fast TOKENIZERS_PARALLELISM=false":      "TOKENIZER=fast TOKENIZERS_PARALLELISM=false",
		"sort_key=name, cache-key: 12, public_key=abc":     "sort_key=name, cache-key: 12, public_key=abc",
		"existingSecret: db, imagePullSecretName: regcred": "existingSecret: db, imagePullSecretName: regcred",
	} {
		if got := diff.MaskText(text); got != want {
			t.Errorf("of %q\n got %q\nwant %q", text, got, want)
		}
		if again := diff.MaskText(want); again != want {
			t.Errorf("masking twice makes %q of %q", again, want)
		}
	}
}

func TestNamesSayWhatIsACredential(t *testing.T) {
	for _, name := range []string{
		"PASSWORD", "DB_PASSWORD", "dbPassword", "DBPASSWORD", "PGPASSWORD", "MYSQL_ROOT_PASSWORD", "PASSWORD_1", "DB_PASS",
		"db-pwd", "SECRET", "clientSecret", "SECRET_KEY_BASE", "API_TOKEN", "authtoken", "GITHUB_TOKEN", "apiKey", "X-Api-Key",
		"AWS_SECRET_ACCESS_KEY", "PRIVATE_KEY", "SENTRY_DSN", "CONNECTION_STRING", "spring.datasource.password",
		"APICredentials", "AZURE_STORAGE_KEY", ".dockerconfigjson", "Authorization",
	} {
		if got := diff.Mask(name, "value"); got != "***" {
			t.Errorf("%s holds a credential, got %q", name, got)
		}
	}
	for _, name := range []string{
		"TOKENIZER", "TOKENIZATION_MODE", "COMPASS", "BYPASS", "PASSIVE", "DB_PASS_THROUGH", "SORT_KEY", "KEY", "MONKEY",
		"SECRET_NAME", "secretName", "PASSWORD_FILE", "TOKEN_PATH", "TOKEN_URL", "TOKEN_TTL", "TOKEN_LIMIT", "AWS_ACCESS_KEY_ID",
		"existingSecret", "USE_TOKEN", "JWT_ALGORITHM", "MAX_TOKENS", "SECRETARY", "PUBLIC_KEY", "", "…",
	} {
		if got := diff.Mask(name, "value"); got != "value" {
			t.Errorf("%s holds no credential, got %q", name, got)
		}
	}
	for value, want := range map[string]string{
		"": "", "true": "true", "false": "false", "$(OTHER)": "$(OTHER)", "${resources.db.password}": "${resources.db.password}",
		"12345": "***", "$DB_PASSWORD": "$DB_PASSWORD", "$ecret": "***",
	} {
		if got := diff.Mask("PASSWORD", value); got != want {
			t.Errorf("of %q got %q, want %q", value, got, want)
		}
	}
}

// leak is in every place of which a credential may come into a diff.
const leak = "hunter2leak"

func TestNoFormShowsACredential(t *testing.T) {
	old := diff.Revision{Intent: workload.Intent{Annotations: map[string]string{"example.com/api-token": leak}}}
	container := corev1.Container{
		Name: "main", Image: "x",
		Args:    []string{"--password", leak, "--api-key=" + leak, "postgres://me:" + leak + "@db/x"},
		Command: []string{"sh", "-c", "export TOKEN=" + leak + "\nDB_PASSWORD='" + leak + "' run"},
		Env: []corev1.EnvVar{
			{Name: "DB_PASSWORD", Value: leak},
			{Name: "DATABASE_URL", Value: "postgres://me:" + leak + "@db/x"},
			{Name: "CONFIG", Value: "a: b\npassword: the " + leak + "\ntoken: |\n  x\n  " + leak + "\nport: 1\n"},
			{Name: "LONG", Value: strings.Repeat("x ", 4000) + "postgres://me:" + strings.Repeat("y", 200) + leak + "@db/x"},
		},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			HTTPHeaders: []corev1.HTTPHeader{{Name: "X-Api-Key", Value: leak}, {Name: "Authorization", Value: "Custom " + leak}}}}},
	}
	whole := diff.Revision{
		Intent: workload.Intent{Spec: deploymentOf(container)},
		Files: diff.Files{
			{Container: "main", Path: "/etc/app.yaml"}: text("db:\n  password: a " + leak + "\n  keys:\n  - private_key: >-\n      " + leak + "\n"),
			{Container: "main", Path: "/etc/app.env"}:  text("export API_KEY=" + leak + " and\nURL=amqp://u:" + leak + "@mq\n"),
			{Container: "main", Path: "/etc/app.json"}: text(`{"a":{"clientSecret": "` + leak + `"}}`),
			{Container: "main", Path: "/etc/tls.key"}:  text(leak),
		},
	}
	bare := whole
	bare.Intent = workload.Intent{Spec: deploymentOf(corev1.Container{Name: "main", Image: "x"})}
	for _, pair := range [][2]diff.Revision{{old, whole}, {whole, old}, {bare, whole}, {whole, bare}} {
		changes := compare(t, pair[0], pair[1])
		if form := everyForm(t, changes); strings.Contains(form, leak) {
			at := strings.Index(form, leak)
			t.Errorf("shown: %q", form[max(0, at-200):at+len(leak)])
		}
	}
}

func deploymentOf(container corev1.Container) (spec appsv1.DeploymentSpec) {
	spec.Template.Spec.Containers = []corev1.Container{container}
	return spec
}
