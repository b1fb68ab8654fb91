// Package util has what the signature of Argo CD's dry run names.
package util

type DryRunStrategy int

const DryRunServer DryRunStrategy = 2
