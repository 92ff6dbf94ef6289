package diff

import "regexp"

// masked stands where a credential stood.
const masked = "***"

var (
	// credentialName matches names under which credentials are kept.
	credentialName = regexp.MustCompile(`(?i)(pass(word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|dsn|connection[_-]?string)`)
	// urlCredential matches the password in a URL's authority.
	urlCredential = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/@"']*:)[^\s@"']+@`)
	// assignedCredential matches a credential assigned by name in running text, such as a log line.
	assignedCredential = regexp.MustCompile(`(?i)([a-z0-9_.-]*(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)[a-z0-9_.-]*["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&]+)`)
	// bearerCredential matches an authorization header's value.
	bearerCredential = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}`)
)

// Mask hides a field's value where the field's name or the value itself says that it is a credential.
func Mask(field, value string) string {
	if value == "" {
		return ""
	}
	if credentialName.MatchString(field) {
		return masked
	}
	return MaskText(value)
}

// MaskText hides credentials in running text, such as a log line or an error message.
func MaskText(text string) string {
	text = urlCredential.ReplaceAllString(text, "${1}"+masked+"@")
	text = bearerCredential.ReplaceAllString(text, "$1 "+masked)
	return assignedCredential.ReplaceAllString(text, "${1}"+masked)
}
