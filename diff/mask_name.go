package diff

import (
	"slices"
	"strings"
	"unicode"
)

var (
	// credentialWords are those under which credentials are kept, alone or as the end of a longer
	// one (DBPASSWORD, authtoken).
	credentialWords = []string{
		"password", "passwords", "passwd", "passphrase", "secret", "secrets", "token", "credential", "credentials",
		"apikey", "accesskey", "privatekey", "secretkey", "connectionstring", "authorization", "dockerconfigjson",
	}
	// shortCredentialWords count only as whole words: bypass and compass are none.
	shortCredentialWords = []string{"pwd", "dsn", "jwt", "creds"}
	// keyOwners make a credential of the word key behind them; a sort key or a public key is none.
	keyOwners = []string{
		"access", "account", "aes", "api", "auth", "client", "deploy", "encryption", "hmac", "license", "master",
		"private", "rsa", "secret", "service", "shared", "signing", "ssh", "storage", "webhook",
	}
	// describingWords end names that tell of a credential without holding it: SECRET_NAME,
	// TOKEN_TTL, and, as images of databases know it, PASSWORD_FILE, which is a path.
	describingWords = []string{
		"age", "alg", "algorithm", "audience", "class", "cost", "count", "dir", "directory", "disabled", "enabled",
		"endpoint", "expiration", "expires", "expiry", "field", "file", "files", "format", "header", "host", "id",
		"interval", "issuer", "iterations", "kind", "length", "level", "lifetime", "limit", "manager", "max",
		"method", "min", "minutes", "mode", "mount", "name", "names", "param", "path", "paths", "policy", "port",
		"prefix", "provider", "ref", "region", "required", "rotation", "rounds", "scope", "scopes", "seconds",
		"size", "store", "suffix", "timeout", "ttl", "type", "uri", "url", "version",
	}
	// askingWords begin names that ask for a credential or refer to one: USE_TOKEN, existingSecret.
	askingWords = []string{"allow", "disable", "enable", "existing", "mount", "require", "requires", "skip", "use", "with"}
)

// credentialName reports whether a value of this name is likely to be a credential.
func credentialName(name string) bool {
	words := wordsOf(name)
	if len(words) == 0 {
		return false
	}
	first, last := words[0], words[len(words)-1]
	if slices.Contains(describingWords, last) || slices.Contains(askingWords, first) {
		return false
	}
	for i, word := range words {
		if slices.ContainsFunc(credentialWords, func(end string) bool { return strings.HasSuffix(word, end) }) ||
			slices.Contains(shortCredentialWords, word) {
			return true
		}
		if i > 0 && (word == "key" || word == "keys") && slices.Contains(keyOwners, words[i-1]) {
			return true
		}
		if i > 0 && words[i-1] == "connection" && word == "string" {
			return true
		}
	}
	return last == "pass"
}

// wordsOf splits a name at its separators and where camelCase begins a word: DB_PASSWORD,
// db-password and dbPassword are all db, password.
func wordsOf(name string) []string {
	var words []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			continue
		}
		if unicode.IsUpper(r) && len(word) > 0 {
			afterLower := !unicode.IsUpper(word[len(word)-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterLower || beforeLower {
				end()
			}
		}
		word = append(word, r)
	}
	end()
	return words
}
