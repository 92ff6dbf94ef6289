// Package policy compares Reprise with the examples of a library of policies for Gatekeeper. It has
// a small library of its own. POLICY_LIBRARY names the folder of another one.
package policy
