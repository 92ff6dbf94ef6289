package mask_test

import (
	"strings"
	"testing"

	"reprise.dev/reprise/internal/mask"
)

// leak stands where a credential stands: no output may hold it.
const leak = "Hunter2leakZq9"

// wrappers are texts that hold a credential, by how they tell that it is one.
var wrappers = []struct{ reason, text string }{
	{"assigned in a shell", "DB_PASSWORD=@ MODE=fast"},
	{"exported", "export API_TOKEN='@'"},
	{"quotes that adjoin", "PASSWORD='a'\"@\"c MODE=fast"},
	{"a space after a backslash", `PASSWORD=a\ @`},
	{"on the next line", "password=\n@"},
	{"on the next line, continued", "--password \\\n  @"},
	{"INI", "[db]\npassword = @\n"},
	{"a name of two words", "Api Key: @"},
	{"a name in brackets", "config['password'] = '@'"},
	{"a name in Markdown", "**Password**: @"},
	{"a name with what it is for", "password (for bob): @"},
	{"arrows", "password => @, token -> @, secret := @"},
	{"HCL", "password = \"@\""},
	{"properties", "spring.datasource.password: @"},
	{"camelCase", "{dbPassword: @}"},
	{"JSON", `{"user":"me","password":"@"}`},
	{"JSON with a quote in it", `{"user":"me","password":"a\"@"}`},
	{"JSON in JSON", `"{\"token\":\"@\",\"port\":1}"`},
	{"JSON in JSON in JSON", `"\"{\\\"token\\\":\\\"@\\\"}\""`},
	{"JSON list", `{"passwords":["a","@"]}`},
	{"JSON object", `{"passwords":{"bob":"@"}}`},
	{"JSON with escapes of characters", `{"pass\u0077ord":"@"}`},
	{"name and value split in JSON", `{"name":"DB_PASSWORD","value":"@"}`},
	{"name and value split in JSON, with space", `{ "key": "apiToken", "value": "@ x" }`},
	{"name and value split in YAML", "- name: DB_PASSWORD\n  value: @"},
	{"name and value split in YAML, of several words", "- name: DB_PASSWORD\n  value: abc @ def"},
	{"YAML of several words", "password: abc @ def"},
	{"YAML in a log, of several words", "loaded: x\n  password: abc @ def\nok"},
	{"YAML block", "token: |\n  abc\n  @\nport: 1"},
	{"YAML block, folded", "token: >-\n  abc\n  @"},
	{"YAML list", "passwords:\n- abc\n- @"},
	{"YAML list, indented", "passwords:\n  - \"@\"\n  - x"},
	{"YAML tag", "password: !!str @"},
	{"data of a Secret", "data:\n  password: @=="},
	{"XML element", "<password>@</password>"},
	{"XML element with an attribute", `<password type="x">@</password>`},
	{"XML attribute", `<user password="@"/>`},
	{"XML of keys and values", `<add key="DbPassword" value="@"/>`},
	{"XML CDATA", "<password><![CDATA[@]]></password>"},
	{"XML entities", "&quot;password&quot;:&quot;@&quot;"},
	{"a value printed by Go", "config {Host:db Password:@ Port:1}"},
	{"a map printed by Go", "map[password:@ user:me]"},
	{"a value printed by Go with its type", `Config{Password:"@"}`},
	{"a pointer printed by Go", "&{Password:@}"},
	{"a dictionary of Python", "{'password': '@', 'x': b'y'}"},
	{"a record of Java", "Config(password=@, x=1)"},
	{"a hash of Ruby", "{:password=>\"@\"}"},
	{"a short name", "pin=1234@ otp=@ pass=@ pwd=@"},
	{"a key of a framework", "APP_KEY=base64:@"},
	{"a key with its owner", "ENCRYPTION_KEY=@ RAILS_MASTER_KEY=@"},
	{"a key with a machine's value", "MY_KEY=@"},
	{"a session", "sessionid=@"},
	{"a connection string", "Server=db;Pwd=@;Database=x"},
	{"libpq", "host=db password=@ dbname=x"},
	{"a URL", "dial postgres://app:@@db:5432/x failed"},
	{"a URL without a user", "redis://:@@cache:6379/0"},
	{"a URL with a slash and an at in the password", "postgres://app:s3/cr@@@db:5432/x"},
	{"two URLs", "a://u:@@h1,b://u:@@h2"},
	{"a URL with a long user name", "https://0123456789@@o1.example.com/2"},
	{"a URL without its scheme", "app:@@db:5432"},
	{"the driver of MySQL", "app:@@tcp(db:3306)/x"},
	{"the driver of Oracle", "jdbc:oracle:thin:scott/@@//db:1521/x"},
	{"a query", "GET /?access_token=@&page=2"},
	{"a query with a short name", "GET /cb?code=@ GET /?a=b&sig=@ GET /?key=@"},
	{"a query that is encoded", "password%3D@"},
	{"a query that is encoded twice", "password%253D@%2526x%253D1"},
	{"a value with encoded characters", "password=%20a%22b@"},
	{"a presigned URL", "https://b.example.com/k?X-Amz-Signature=@"},
	{"the webhook of a chat", "post https://hooks.slack.com/services/T0/B0/@"},
	{"the webhook of another", "https://x.webhook.office.com/webhookb2/@@y/IncomingWebhook/z"},
	{"a webhook elsewhere", "https://chat.example.com/hooks/@"},
	{"an authorization header", "Authorization: Bearer @"},
	{"an authorization header without a scheme", "Authorization: @"},
	{"an authorization header with its own scheme", "Authorization: Custom @"},
	{"an authorization header of Go", `map[Authorization:[Bearer @]]`},
	{"an authorization header in JSON", `{"Authorization":"Token @"}`},
	{"a proxy's header", "Proxy-Authorization: Basic @=="},
	{"a digest", `Authorization: Digest username="me", response="@"`},
	{"a bearer in a sentence", "got bearer @, retrying"},
	{"another header", "X-Api-Key: @"},
	{"a cookie", "Cookie: session=@; a=b"},
	{"a cookie that is set", "Set-Cookie: a=@; Path=/"},
	{"a flag", "run --db-password @ --port 80"},
	{"a flag with an equals sign", "run --token=@ --port=80"},
	{"a flag in a list", `["--password","@"]`},
	{"a flag in a YAML list", "- --password\n- @"},
	{"curl", "curl -u me:@ https://x"},
	{"curl, in full", "curl --user 'me:@' https://x"},
	{"mysql", "mysql -h db -u me -p@ x"},
	{"sshpass", "sshpass -p @ ssh me@x"},
	{"docker", "docker login -u me -p @ x"},
	{"redis-cli", "redis-cli -h x -a @ ping"},
	{"openssl", "openssl rsa -passin pass:@"},
	{"a sentence with quotes", "wrong password '@' for user bob"},
	{"a sentence with is", "the password is @"},
	{"a sentence with for", "password for bob: @"},
	{"a sentence", "token @ rejected"},
	{"a private key", "-----BEGIN EC PRIVATE KEY-----\n@\n-----END EC PRIVATE KEY-----"},
	{"a private key with escapes", `-----BEGIN PRIVATE KEY-----\n@\n-----END PRIVATE KEY-----`},
	{"a private key with its end cut off", "-----BEGIN OPENSSH PRIVATE KEY-----\n@"},
	{"a private key with its beginning cut off", "MIIEvQIBADANBgkqhkiG\n@\n-----END PRIVATE KEY-----"},
	{"a key of PGP", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n@\n-----END PGP PRIVATE KEY BLOCK-----"},
	{"a key of PuTTY", "Private-Lines: 1\n@\nPrivate-MAC: x"},
	{"a JWT", "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + "@"},
	{"a hash of a password", "me:$2y$05$" + "@abcdefgh"},
	{"a query of AWS", "X-Amz-Credential=@ aws_secret_access_key=@"},
	{"npm", "//registry.example.com/:_authToken=@"},
	{"netrc", "machine x login me password @"},
	{"dockerconfigjson", `{"auths":{"x":{"auth":"@="}}}`},
}

// forms are what else may be done to a text: none of it lets a credential through.
var forms = []struct {
	reason string
	of     func(text string) string
}{
	{"as it is", func(text string) string { return text }},
	{"in a sentence", func(text string) string { return "error: failed: " + text + " (exit 1)" }},
	{"behind a time", func(text string) string { return "2026-11-25T03:04:05Z INFO " + text }},
	{"after a line", func(text string) string { return "a: b\n" + text + "\nc: d" }},
	{"with CRLF", func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }},
	{"in colors", func(text string) string { return "\x1b[31m" + text + "\x1b[0m" }},
	{"with colors in a word", func(text string) string {
		return strings.NewReplacer("ass", "a\x1b[1;32mss", "oke", "o\x1b[0mke").Replace(text)
	}},
	{"with NUL in a word", func(text string) string { return strings.NewReplacer("ass", "a\x00ss", "oke", "o\x00ke").Replace(text) }},
	{"with invisible characters", func(text string) string {
		return strings.NewReplacer("ass", "a\u200bss", "oke", "o\u00adke", "=", "\u2060=").Replace(text)
	}},
	{"with bidirectional controls", func(text string) string {
		return strings.NewReplacer("ass", "a\u202ess", "oke", "o\u2066ke").Replace(text)
	}},
	{"with letters of another script", func(text string) string {
		return strings.NewReplacer("ass", "\u0430ss", "oke", "\u043eke").Replace(text)
	}},
	{"in wide letters", func(text string) string {
		return strings.NewReplacer("pass", "\uff50\uff41\uff53\uff53", "=", "\uff1d").Replace(text)
	}},
	{"with tabs", func(text string) string { return strings.ReplaceAll(text, ": ", ":\t") }},
}

// TestText_HidesCredentials plants a credential in each wrapper and form, and looks for it in
// whatever this package returns.
func TestText_HidesCredentials(t *testing.T) {
	for _, w := range wrappers {
		for _, f := range forms {
			text := f.of(plant(w.text, leak))
			for where, got := range everywhere(text) {
				if strings.Contains(got, leak) {
					t.Errorf("%s, %s: %s of %q shows %q", w.reason, f.reason, where, text, got)
				}
			}
		}
	}
}

// plant puts a credential where a wrapper holds @, but for the @ of an address.
func plant(wrapper, credential string) string {
	return strings.NewReplacer("@@", credential+"@", "me@x", "me@x", "cr@", "cr@", "@", credential).Replace(wrapper)
}

// everywhere returns what the package makes of a text.
func everywhere(text string) map[string]string {
	return map[string]string{
		"Line": mask.Line(text), "Text": mask.Text(text), "Value": mask.Value("CONFIG", text), "Lines": strings.Join(mask.Lines(text), ""),
	}
}

// TestText_HidesTokens gives each known form of a token alone, in a sentence and with what may
// adjoin it. They are written apart, so that a scanner of this repository lets them lie.
func TestText_HidesTokens(t *testing.T) {
	const letters, digits, hex = "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5zA7bC9", "123456789012", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	for name, token := range map[string]string{
		"AWS": "AKIA" + "Z7XK3PQM5RNT2VW4", "GitHub": "ghp_" + letters[:36], "GitHub fine-grained": "github_" + "pat_" + letters + "_" + letters,
		"GitLab": "glpat" + "-" + letters[:20], "Slack": "xoxb" + "-" + digits + "-" + digits + "-" + letters[:24], "Slack app": "xapp" + "-1-A0123ABCD-" + digits + "-" + hex + hex,
		"Stripe": "sk_" + "live_" + letters[:24], "Stripe restricted": "rk_" + "live_" + letters[:24], "DigitalOcean": "dop_" + "v1_" + hex + hex,
		"SendGrid": "SG." + letters[:22] + "." + letters + letters[:4], "Google refreshed": "ya29." + "a0AfH6SM" + letters, "Google": "AIza" + letters[:35],
		"Azure": "abc8Q" + "~" + letters[:34], "npm": "npm_" + letters[:36], "PyPI": "pypi-" + "AgEIcHlwaS5vcmc" + letters + letters, "Hugging Face": "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH",
		"Docker": "dckr_" + "pat_" + letters[:27], "Shopify": "shpat_" + hex, "Vault": "hvs." + letters + letters + letters, "Linear": "lin_" + "api_" + letters + "0",
		"New Relic": "NRAK-" + "A1B2C3D4E5F6G7H8I9J0K1L2M3N", "OpenAI": "sk-" + "proj-" + letters + letters, "Anthropic": "sk-ant-" + "api03-" + letters + letters + letters[:15] + "AA",
		"Databricks": "dapi" + hex, "age": "AGE-SECRET-KEY-1" + strings.Repeat("QPZRY9X8GF", 6)[:58], "Pulumi": "pul-" + hex + hex[:8], "Twilio": "SK" + hex,
		"Mailgun": "key-" + hex, "RubyGems": "rubygems_" + hex + hex[:16], "Postman": "PMAK-" + hex[:24] + "-" + hex + "00", "Terraform": letters[:14] + ".atlasv1." + letters + letters[:26],
		"Grafana": "glsa_" + letters[:32] + "_" + hex[:8], "Sentry": "sntrys_" + "eyJpYXQiOjE" + letters + letters, "JWT": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0." + letters,
		"Square": "sq0csp-" + letters + "abcd", "Telegram": "https://api.telegram.org/bot" + "123456789:" + letters[:35] + "/getMe",
	} {
		secret := token[len(token)-20 : len(token)-8]
		for _, text := range []string{token, "got " + token + ", retrying", "(" + token + ")", "[" + token + "]", "{x:" + token + "}", `{"a":"` + token + `"}`, "a=" + token + "&b=c", "<" + token + ">", token + "."} {
			for where, got := range everywhere(text) {
				if strings.Contains(got, secret) {
					t.Errorf("%s: %s of %q shows %q", name, where, text, got)
				}
			}
		}
	}
}

func TestText_KeepsTheRest(t *testing.T) {
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
		if got := mask.Text(text); got != want {
			t.Errorf("of %q\n got %q\nwant %q", text, got, want)
		}
		if again := mask.Text(want); again != want {
			t.Errorf("masking twice makes %q of %q", again, want)
		}
	}
}

func TestValue_ByName(t *testing.T) {
	for _, name := range []string{
		"PASSWORD", "DB_PASSWORD", "dbPassword", "DBPASSWORD", "PGPASSWORD", "MYSQL_ROOT_PASSWORD", "PASSWORD_1", "DB_PASS",
		"db-pwd", "SECRET", "clientSecret", "SECRET_KEY_BASE", "API_TOKEN", "authtoken", "GITHUB_TOKEN", "apiKey", "X-Api-Key",
		"AWS_SECRET_ACCESS_KEY", "PRIVATE_KEY", "SENTRY_DSN", "CONNECTION_STRING", "spring.datasource.password",
		"APICredentials", "AZURE_STORAGE_KEY", ".dockerconfigjson", "Authorization",
	} {
		if got := mask.Value(name, "value"); got != "***" {
			t.Errorf("%s holds a credential, got %q", name, got)
		}
	}
	for _, name := range []string{
		"TOKENIZER", "TOKENIZATION_MODE", "COMPASS", "BYPASS", "PASSIVE", "DB_PASS_THROUGH", "SORT_KEY", "KEY", "MONKEY",
		"SECRET_NAME", "secretName", "PASSWORD_FILE", "TOKEN_PATH", "TOKEN_URL", "TOKEN_TTL", "TOKEN_LIMIT", "AWS_ACCESS_KEY_ID",
		"existingSecret", "USE_TOKEN", "JWT_ALGORITHM", "MAX_TOKENS", "SECRETARY", "PUBLIC_KEY", "", "…",
	} {
		if got := mask.Value(name, "value"); got != "value" {
			t.Errorf("%s holds no credential, got %q", name, got)
		}
	}
	for value, want := range map[string]string{
		"": "", "true": "true", "false": "false", "$(OTHER)": "$(OTHER)", "${resources.db.password}": "${resources.db.password}",
		"12345": "***", "$DB_PASSWORD": "$DB_PASSWORD", "$ecret": "***",
	} {
		if got := mask.Value("PASSWORD", value); got != want {
			t.Errorf("of %q got %q, want %q", value, got, want)
		}
	}
}
