// Computes what Argo CD shows as the difference between a manifest in Git and the object in the cluster, with the package
// that Argo CD itself does it with. Argo CD has three ways, and which one is taken is a setting of the Application:
//
//	three-way  the default: manifest, live object and, if there is one, the annotation of kubectl apply
//	merge      with ServerSideApply=true: structured merge of the manifest into the live object by the cluster's schema
//	server     with ServerSideDiff=true: the live object against a dry run of server-side apply
//
// It has no access to a cluster. The first argument is the cluster's OpenAPI document, version 2. Each line of standard input
// is {"desired": ..., "live": ..., "dryRun": ...}, and for each of the three ways a line of JSON comes out:
// {"way", "object", "different", "predicted", "live"}.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/util/proto"
)

// The field manager of Argo CD's application controller.
const manager = "argocd-controller"

type comparison struct {
	Desired unstructured.Unstructured `json:"desired"`
	Live    unstructured.Unstructured `json:"live"`
	DryRun  json.RawMessage           `json:"dryRun"`
}

type answer struct {
	Way       string          `json:"way"`
	Object    string          `json:"object"`
	Different bool            `json:"different"`
	Predicted json.RawMessage `json:"predicted"`
	Live      json.RawMessage `json:"live"`
}

// What the API server has answered to the dry run.
type dryRun string

func (run dryRun) Run(context.Context, *unstructured.Unstructured, string) (string, error) {
	return string(run), nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("usage: argocd OPENAPI.json, with comparisons on standard input")
	}
	parser, err := schema(arguments[0])
	if err != nil {
		return err
	}
	printer := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var compared comparison
		if err := json.Unmarshal(lines.Bytes(), &compared); err != nil {
			return err
		}
		object := compared.Desired.GetKind() + "/" + compared.Desired.GetName()
		common := []diff.Option{diff.WithGVKParser(parser), diff.WithManager(manager)}
		for _, way := range []struct {
			name    string
			options []diff.Option
		}{
			{"three-way", common},
			{"merge", append(common[:2:2], diff.WithStructuredMergeDiff(true))},
			{"server", append(common[:2:2], diff.WithServerSideDiff(true), diff.WithServerSideDryRunner(dryRun(compared.DryRun)))},
		} {
			// Copies, since the comparison normalises what it is given.
			result, err := diff.Diff(compared.Desired.DeepCopy(), compared.Live.DeepCopy(), way.options...)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", object, way.name, err)
			}
			if err := printer.Encode(answer{way.name, object, result.Modified, result.PredictedLive, result.NormalizedLive}); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

func schema(path string) (*managedfields.GvkParser, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	document, err := openapi_v2.ParseDocument(text)
	if err != nil {
		return nil, err
	}
	models, err := proto.NewOpenAPIData(document)
	if err != nil {
		return nil, err
	}
	return managedfields.NewGVKParser(models, false)
}
