package certificate

// Signers shows signers to the tests.
func Signers(served Pair, hooks []Hook) []byte { return signers(served, hooks) }
