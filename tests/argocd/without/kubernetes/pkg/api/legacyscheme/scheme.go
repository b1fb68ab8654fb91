// Package legacyscheme knows no kind.
package legacyscheme

import "k8s.io/apimachinery/pkg/runtime"

var Scheme = runtime.NewScheme()
