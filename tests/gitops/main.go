// Reads objects, one as JSON on each line, and prints for each what a GitOps tool takes it for:
//
//	gitops kstatus          what Flux and kpt see, by the library that they use
//	gitops argocd FILE.lua  what Argo CD sees, by a health script of ours
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	var judge func(map[string]any) (string, string, error)
	switch {
	case len(arguments) == 1 && arguments[0] == "kstatus":
		judge = kstatus
	case len(arguments) == 2 && arguments[0] == "argocd":
		script, err := os.ReadFile(arguments[1])
		if err != nil {
			return err
		}
		judge = func(object map[string]any) (string, string, error) { return argocd(string(script), object) }
	default:
		return fmt.Errorf("usage: gitops kstatus | gitops argocd FILE.lua, with objects on standard input")
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		// As the API machinery reads it: whole numbers stay whole.
		var object unstructured.Unstructured
		if err := object.UnmarshalJSON(lines.Bytes()); err != nil {
			return err
		}
		state, message, err := judge(object.Object)
		if err != nil {
			return err
		}
		fmt.Printf("%s\t%s\n", state, strings.ReplaceAll(message, "\n", " "))
	}
	return lines.Err()
}

func kstatus(object map[string]any) (string, string, error) {
	result, err := status.Compute(&unstructured.Unstructured{Object: object})
	if err != nil {
		return "", "", err
	}
	return string(result.Status), result.Message, nil
}

// The script sees the object as the global obj and returns a table, and it has no libraries: neither has it in Argo CD,
// but for a few safe ones.
func argocd(script string, object map[string]any) (string, string, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable, lua.StringLibName: lua.OpenString} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			return "", "", err
		}
	}
	state.SetGlobal("obj", value(state, object))
	if err := state.DoString(script); err != nil {
		return "", "", err
	}
	table, is := state.Get(-1).(*lua.LTable)
	if !is {
		return "", "", fmt.Errorf("the script returns %s, not a table", state.Get(-1).Type())
	}
	health := lua.LVAsString(table.RawGetString("status"))
	switch health {
	case "Healthy", "Progressing", "Degraded", "Suspended":
	default:
		return "", "", fmt.Errorf("%q is no health of Argo CD", health)
	}
	return health, lua.LVAsString(table.RawGetString("message")), nil
}

func value(state *lua.LState, of any) lua.LValue {
	switch of := of.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, inner := range of {
			table.RawSetString(key, value(state, inner))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, inner := range of {
			table.Append(value(state, inner))
		}
		return table
	case string:
		return lua.LString(of)
	case float64:
		return lua.LNumber(of)
	case int64:
		return lua.LNumber(of)
	case bool:
		return lua.LBool(of)
	}
	return lua.LNil
}
