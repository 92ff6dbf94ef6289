package mask

import (
	"slices"
	"strings"
	"unicode"
)

// strength says how much a name tells of its value.
type strength int

const (
	// plainName tells nothing.
	plainName strength = iota
	// telling names a credential or something else: a key, a session, a signature. Its value tells.
	telling
	// credential names one.
	credential
	// phrase names one of several words: a password or a passphrase.
	phrase
)

var (
	// phraseWords are those of passwords, alone or as the end of a longer word (DBPASSWORD).
	phraseWords = []string{"password", "passwords", "passwd", "passphrase", "passphrases", "passcode", "passwort", "kennwort", "contrasena"}
	// credentialWords are those of other credentials, alone or as the end of a longer word
	// (authtoken).
	credentialWords = []string{
		"secret", "secrets", "token", "credential", "credentials", "apikey", "apikeys", "accesskey", "privatekey", "secretkey",
		"connectionstring", "authorization", "dockerconfigjson", "sharedaccesskey", "encryptionkey", "masterkey",
	}
	// shortWords count only as whole words: bypass and compass are none.
	shortWords = []string{"pwd", "dsn", "jwt", "creds", "cred", "pass", "passkey", "pw", "pin", "otp", "totp", "psk", "cookie", "cookies", "kubeconfig", "sas"}
	// tellingWords end names whose value decides.
	tellingWords = []string{"key", "keys", "auth", "session", "sessionid", "sid", "sig", "signature", "salt", "seed", "bearer", "hmac", "nonce", "cvv", "pem", "tok", "authentication", "signing"}
	// keyOwners make a credential of the word key behind them; a sort key or a public key is none.
	keyOwners = []string{
		"access", "account", "aes", "api", "auth", "client", "deploy", "encryption", "hmac", "license", "master",
		"private", "rsa", "secret", "service", "shared", "signing", "ssh", "storage", "webhook",
	}
	// openKeys are words before key that make it no credential, whatever its value.
	openKeys = []string{"public", "pub", "sort", "partition", "cache", "primary", "foreign", "routing", "idempotency", "object", "map", "row", "hash", "topology", "label", "annotation"}
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

// strengthOf returns how much a name tells of its value.
func strengthOf(name string) strength {
	words := wordsOf(name)
	if len(words) == 0 {
		return plainName
	}
	first, last := words[0], words[len(words)-1]
	session := slices.Contains(words, "session") && last == "id"
	if slices.Contains(describingWords, last) && !session || slices.Contains(askingWords, first) {
		return plainName
	}
	strongest := plainName
	for i, word := range words {
		ends := func(end string) bool { return strings.HasSuffix(word, end) }
		switch {
		case slices.ContainsFunc(phraseWords, ends):
			return phrase
		case slices.ContainsFunc(credentialWords, ends), slices.Contains(shortWords, word) && (word != "pass" || i == len(words)-1),
			i > 0 && (word == "key" || word == "keys") && slices.Contains(keyOwners, words[i-1]),
			i > 0 && words[i-1] == "connection" && word == "string":
			strongest = credential
		case strongest == plainName && i == len(words)-1 && slices.Contains(tellingWords, word) && (i == 0 || !slices.Contains(openKeys, words[i-1])),
			strongest == plainName && session:
			strongest = telling
		}
	}
	return strongest
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
