package mask

import (
	"regexp"
	"slices"
	"strings"
)

// shape finds credentials by a form that gitleaks has no rule for, or whose rule asks for more than
// a text that Reprise sees needs to hold.
type shape struct {
	// hints are in lower case: each text that matches holds one of them.
	hints []string
	// pattern matches; its groups are what to hide.
	pattern *regexp.Regexp
	// except reports that a match is none.
	except func(match string) bool
}

// portAndPath begins what only looks like a password in a URL.
var portAndPath = regexp.MustCompile(`:[0-9]{1,5}[/?#]`)

// plainScheme is no authorization: "bearer authentication failed".
var plainScheme = regexp.MustCompile(`\s[a-z]+[.:,;)]?$`)

var shapes = []shape{
	{hints: []string{"private"}, pattern: regexp.MustCompile(`(?is)-----? ?BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----?(.*?)(?:-----? ?END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----?|\z)`)},
	// The beginning of a key may be cut off, as in the tail of a log.
	{hints: []string{"private"}, pattern: regexp.MustCompile(`((?:(?:[A-Za-z0-9+/=]{16,}|[A-Za-z0-9+/=]+)(?:\s|\\+[nr])+)+)-----END [A-Z0-9 ]*PRIVATE KEY`)},
	{hints: []string{"private-lines"}, pattern: regexp.MustCompile(`(?is)Private-Lines:\s*\d+((?:\s+[A-Za-z0-9+/=]+)+)`)},
	{
		hints: []string{"@"}, pattern: regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/@"'<>]*:([^\s@"']+(?:@[^\s@/"']+)*)@`),
		except: func(match string) bool {
			_, after, _ := strings.Cut(match, "://")
			return portAndPath.MatchString(after)
		},
	},
	{hints: []string{"@"}, pattern: regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://([A-Za-z0-9_.~%+-]{20,})@`)},
	{
		hints: []string{"@"}, pattern: regexp.MustCompile(`(?:^|[\s"'=(\[{,;])[\w.+-]+:([^\s@"'/:=]{3,})@[A-Za-z0-9][\w.-]*(?:[:/\s"']|$)`),
		except: func(match string) bool { return strings.Contains(match, "@sha") },
	},
	{hints: []string{"@tcp(", "@unix("}, pattern: regexp.MustCompile(`\b[\w.-]+:([^\s"']+)@(?:tcp|unix)\(`)},
	{hints: []string{"@"}, pattern: regexp.MustCompile(`(?i)\b(?:thin|oci8?|ezconnect):[^\s/@"']+/("[^"]*"|[^\s@"']+)@`)},
	{
		hints: []string{"bearer", "basic", "digest", "negotiate", "token "}, pattern: regexp.MustCompile(`(?i)\b(?:bearer|basic|negotiate|ntlm|token)\s+([a-z0-9._~+/=-]{8,})`),
		except: func(match string) bool {
			return plainScheme.MatchString(match) || strings.HasPrefix(strings.ToLower(match), "token") && !opaque(strings.Fields(match)[1])
		},
	},
	{
		hints:   []string{"authorization"},
		pattern: regexp.MustCompile(`(?i)\bauthorization\\*["']?\s*[:=]+\s*\[?\\*["']?(?:(?:bearer|basic|token|digest|negotiate|ntlm|apikey|api-key|aws4-hmac-sha256|hawk|key|custom)\s+)?([^\s"'\\,;\]}][^"'\\\r\n]*)`),
		except:  func(match string) bool { return strings.HasSuffix(match, Masked) },
	},
	{hints: []string{"authorization"}, pattern: regexp.MustCompile(`(?i)\bauthorization\\*["']?\s*[:=]+\s*(?:digest|oauth|aws4-hmac-sha256|hawk)\s+([^\n]+)`)},
	{hints: []string{"cookie"}, pattern: regexp.MustCompile(`(?i)\b(?:set-)?cookie\\*["']?\s*:\s*\[?\\*["']?([^\s"'\\\]][^"'\\\r\n]*)`)},
	{hints: []string{"eyj"}, pattern: regexp.MustCompile(`\b(eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)+)`)},
	// The tokens whose rules ask for a length that a cut text lacks.
	{
		hints: []string{"akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "ya29.", "1//0", "gocspx-", "xox", "_live_", "_test_", "sk-", "whsec_", "sg.", "key-", "sq0", "secret_", "dckr_", "hf_", "npm_", "pypi-", "hvs."},
		pattern: regexp.MustCompile(`\b((?:AKIA|ASIA)[A-Z0-9]{12,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_.-]{16,}` +
			`|ya29\.[A-Za-z0-9_.-]{10,}|1//0[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{16,}|xox[abceoprs](?:\.xox[bp])?-[A-Za-z0-9-]{8,}` +
			`|(?:sk|rk|pk)[_-](?:live|test|proj|ant|or|svcacct)[_-][A-Za-z0-9_-]{10,}|sk-[A-Za-z0-9]{20,}|whsec_[A-Za-z0-9+/=]{10,}` +
			`|SG\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}|key-[0-9a-f]{32}|sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{20,}|secret_[A-Za-z0-9]{40,}` +
			`|dckr_(?:pat|oat)_[A-Za-z0-9_-]{10,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_-]{16,}|hvs\.[A-Za-z0-9_-]{10,})`),
	},
	// Client secrets of Azure.
	{hints: []string{"8q~", "7q~"}, pattern: regexp.MustCompile(`([A-Za-z0-9_~.-]{2,}[78]Q~[A-Za-z0-9_~.-]{20,})`)},
	// URLs of chats and of other services whose path is the credential.
	{
		hints: []string{"hook", "discord", "telegram", "zapier", "ifttt", "pagerduty"},
		pattern: regexp.MustCompile(`(?i)(?:hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/(?:v\d+/)?webhooks/|webhook\.office(?:365)?\.com/|outlook\.office(?:365)?\.com/webhook/|` +
			`api\.telegram\.org/(?:file/)?bot|hooks\.zapier\.com/hooks/catch/|maker\.ifttt\.com/trigger/[^/\s]+/(?:json/)?with/key/|events\.pagerduty\.com/integration/|` +
			`/open-apis/bot/v2/hook/|webexapis\.com/v1/webhooks/incoming/|hooks\.[a-z0-9.-]+/)([^\s"'<>]+)`),
	},
	{
		hints: []string{"hook"}, pattern: regexp.MustCompile(`(?i)://[^\s"'<>]*/(?:incoming-?)?(?:web)?hooks?(?:b2)?/([^\s"'<>?]+)`),
		except: func(match string) bool { return !opaque(match[strings.LastIndexByte(match, '/')+1:]) },
	},
	// What a query holds under a name that tells only there.
	{hints: []string{"?", "&"}, pattern: regexp.MustCompile(`(?i)[?&;](?:key|sig|signature|x-(?:amz|goog)-(?:signature|credential|security-token)|code|auth|sid|session|sessionid|ticket|otp|pin|pw|hmac|hash|state|nonce|apikey|jwt|assertion|samlresponse|samlrequest)=([^\s&"'<>;#]+)`)},
	// Commands whose flag is too short to tell by itself.
	{hints: []string{"-u", "--user", "--proxy-user"}, pattern: regexp.MustCompile(`(?:^|[\s"'\[,])(?:-u|--user|--proxy-user|-U)(?:[ \t=]+|["'],\s*["'])?["']?[\w.@+-]*:([^\s"']+)`)},
	{hints: []string{"mysql", "mariadb"}, pattern: regexp.MustCompile(`\b(?:mysql|mariadb)[\w-]*["']?[^\n|;]*?[\s"']-p([^\s"']+)`)},
	{hints: []string{"sshpass", "docker", "podman", "helm", "oc ", "mongo", "az ", "skopeo", "crane", "cqlsh", "sqlcmd", "7z"}, pattern: regexp.MustCompile(`\b(?:sshpass|docker|podman|helm|oc|mongo(?:sh|dump|restore)?|az|skopeo|crane|cqlsh|sqlcmd|7z)["']?\b[^\n|;]*?[\s"']-[pP](?:[ \t]+|["'],\s*["'])?["']?([^\s"'-][^\s"']*)`), except: func(match string) bool { return portArgument.MatchString(match) }},
	{hints: []string{"redis-cli", "ldap"}, pattern: regexp.MustCompile(`\b(?:redis-cli["']?\b[^\n|;]*?[\s"']-a|ldap\w+["']?\b[^\n|;]*?[\s"']-w)(?:[ \t]+|["'],\s*["'])?["']?([^\s"'-][^\s"']*)`)},
	{hints: []string{"pass:"}, pattern: regexp.MustCompile(`\bpass:([^\s"']+)`)},
	{hints: []string{"htpasswd"}, pattern: regexp.MustCompile(`\bhtpasswd\b[^\n|;]*?-\w*b\w*(?:[ \t]+\S+){1,2}?[ \t]+\S+[ \t]+([^\s"']+)`)},
	// A hash of a password, as crypt and htpasswd write it.
	{hints: []string{"$2", "$1$", "$5$", "$6$", "$apr1$", "$argon2", "$y$"}, pattern: regexp.MustCompile(`(\$(?:2[abxy]?|1|5|6|y|apr1|argon2(?:id|i|d)?)\$[A-Za-z0-9./$,=+-]{16,})`)},
	// Lists that name and value split: <add key="DbPassword" value="x"/>, name: DB_PASSWORD, value: x.
	{
		hints:   []string{"value", "content", "data", "val"},
		pattern: regexp.MustCompile(`(?i)(?:\b(?:name|key|id|property|field|param|variable|var|header|n|k)\b\\*["']?\s*[:=>]+\s*\\*["']?([\w.-]+)\\*["']?(?:</\w+>)?[\s,;]*(?:<|[{,"'\\])*\s*\b(?:value|content|data|val|v)\b\\*["']?\s*[:=>]+[ \t]*)((?:\\*"(?:[^"\\]|\\+[^"])*\\*"|'[^']*'|[^\s,;}\]<>"']+))`),
	},
	{hints: []string{"</"}, pattern: regexp.MustCompile(`<([A-Za-z][\w.:-]*)(?:\s[^<>]*)?>([^<>]+)</`)},
	{hints: []string{"cdata"}, pattern: regexp.MustCompile(`<([A-Za-z][\w.:-]*)(?:\s[^<>]*)?>\s*<!\[CDATA\[(.*?)\]\]>`)},
}

// portArgument is a port, as in docker run -p 80:80.
var portArgument = regexp.MustCompile(`-[pP][\s"',]*[0-9.:-]+(?:/\w+)?$`)

// findShapes adds what has the form of a credential.
func findShapes(text, lower string, found *spans) {
	findTokens(text, found)
	for _, s := range shapes {
		if !containsAny(lower, s.hints) {
			continue
		}
		for _, match := range s.pattern.FindAllStringSubmatchIndex(text, -1) {
			if s.except != nil && s.except(text[match[0]:match[1]]) {
				continue
			}
			from, to := match[2], match[3]
			if len(match) > 4 { // The first group is a name.
				value := strings.Trim(text[match[4]:match[5]], `\"'`)
				if !isCredential(strengthOf(text[from:to]), value) {
					continue
				}
				from, to = match[4], match[5]
				if openingQuote(text[from:]) == "" && text[from] != '<' && strings.Contains(text[match[0]:from], "\n") { // YAML.
					to = from + len(strings.TrimRight(line(text[from:]), " \t"))
				}
			}
			if from >= 0 && !harmless(text[from:to]) {
				found.add(from, to)
			}
		}
	}
}

// findTokens adds words that a machine made and marked by a beginning, as services do of late:
// NAME_ or NAME- and twenty or more letters and digits, capitals among them. Names of Kubernetes
// have none.
func findTokens(text string, found *spans) {
	for i := 0; i < len(text); {
		whole := word(text[i:])
		if len(whole) >= 24 && whole[0] != '_' { // score-k8s begins names of variables so.
			last := whole[strings.LastIndexAny(whole, "_-")+1:]
			digits := len(last) - len(strings.Map(dropDigits, last))
			if len(last) >= 20 && len(last) < len(whole) && digits >= 3 && strings.ToLower(last) != last && entropy(last) >= 3.5 {
				found.add(i, i+len(whole))
			}
		}
		i += len(whole) + 1
	}
}

func dropDigits(r rune) rune {
	if '0' <= r && r <= '9' {
		return -1
	}
	return r
}

func containsAny(text string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}
