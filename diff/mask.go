package diff

import (
	"regexp"
	"strings"
)

// masked stands where a credential stood.
const masked = "***"

const variableReference = `\$(?:[A-Z_][A-Z0-9_]*|\{[^{}\s]*\}|\([^()\s]*\))`

// pemStart begins whatever is in PEM.
const pemStart = "-----BEGIN "

// maxMasked is how many bytes of one value are read at most; the rest is not shown.
const maxMasked = 64 << 10

var (
	// pemKey matches a private key in PEM, to the end of the text where its last line is missing.
	pemKey = regexp.MustCompile(`(?s)(-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----).*?(-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|\z)`)
	// urlPassword matches the password in a URL's authority; what looks like a port and a path is
	// told apart below.
	urlPassword = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/@"']*:)([^\s@"']+@(?:[^\s@/"']*@)*)`)
	// portAndPath begins what only looks like a password.
	portAndPath = regexp.MustCompile(`^[0-9]{1,5}[/?#]`)
	// urlToken matches a long user name without a password, which services use for keys.
	urlToken = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[A-Za-z0-9_-]{20,}@`)
	// driverPassword matches that of Go's MySQL driver: user:password@tcp(host).
	driverPassword = regexp.MustCompile(`\b([\w.-]+:)[^\s@"']+@(tcp|unix)\(`)
	// authorization matches an authorization header's value.
	authorization = regexp.MustCompile(`(?i)\b(bearer|basic)\s+([a-z0-9._~+/=-]{8,})`)
	// plainWord is no authorization: "bearer authentication failed".
	plainWord = regexp.MustCompile(`^[a-z]+[.]?$`)
	// keyShapes match keys by their form: JWT, AWS, GitHub, GitLab, Google, Slack, Stripe, npm,
	// OpenAI and the like.
	keyShapes = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?` +
		`|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b` +
		`|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{16,}` +
		`|\bAIza[A-Za-z0-9_-]{30,}` +
		`|\bxox[abeoprs]-[A-Za-z0-9-]{10,}` +
		`|\b[rs]k[_-](?:live|test|proj|ant)[_-][A-Za-z0-9_-]{10,}|\bsk-[A-Za-z0-9]{20,}` +
		`|\bnpm_[A-Za-z0-9]{30,}`)
	// webhookPath matches the secret part of a chat's webhook.
	webhookPath = regexp.MustCompile(`(hooks\.slack\.com/(?:services|workflows)/|discord(?:app)?\.com/api/webhooks/)[^\s"']+`)
	// element matches an XML element with text.
	element = regexp.MustCompile(`<([A-Za-z][\w.:-]*)>([^<>]+)</`)
	// reference is a variable's, which is filled in elsewhere. In lower case it may as well be a
	// password.
	reference = regexp.MustCompile(`^` + variableReference + `$`)
)

// Mask hides a value where its own name, such as DB_PASSWORD, or the value itself says that it is a
// credential. A flag, and the reference of a variable, are none.
func Mask(name, value string) string {
	if value == "" || value == masked {
		return value
	}
	if credentialName(name) && value != "true" && value != "false" && !reference.MatchString(value) {
		return masked
	}
	if len(value) > maxMasked {
		value = cut(value, maxMasked)
	}
	if strings.Contains(value, "\n") {
		return strings.Join(maskLines(splitLines(value)), "")
	}
	return maskAssigned(maskShapes(value), false)
}

// MaskText hides credentials in running text, such as a log line or an error message.
func MaskText(text string) string {
	return maskAssigned(maskShapes(text), true)
}

// maskShapes hides what is a credential by its form.
func maskShapes(text string) string {
	if strings.Contains(text, pemStart) {
		text = pemKey.ReplaceAllString(text, "${1}"+masked+"${2}")
	}
	text = maskURLs(text)
	text = replaceSubmatch(authorization, text, func(m []string) string {
		if plainWord.MatchString(m[2]) {
			return m[0]
		}
		return m[1] + " " + masked
	})
	text = keyShapes.ReplaceAllString(text, masked)
	text = webhookPath.ReplaceAllString(text, "${1}"+masked)
	if !strings.Contains(text, "</") {
		return text
	}
	return replaceSubmatch(element, text, func(m []string) string {
		if !credentialName(m[1]) {
			return m[0]
		}
		return "<" + m[1] + ">" + masked + "</"
	})
}

func maskURLs(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	text = replaceSubmatch(urlPassword, text, func(m []string) string {
		if portAndPath.MatchString(m[2]) {
			return m[0]
		}
		return m[1] + masked + "@"
	})
	text = urlToken.ReplaceAllString(text, "${1}"+masked+"@")
	return driverPassword.ReplaceAllString(text, "${1}"+masked+"@${2}(")
}

// replaceSubmatch replaces every match by what is made of its groups.
func replaceSubmatch(pattern *regexp.Regexp, text string, with func(groups []string) string) string {
	return pattern.ReplaceAllStringFunc(text, func(match string) string {
		return with(pattern.FindStringSubmatch(match))
	})
}
