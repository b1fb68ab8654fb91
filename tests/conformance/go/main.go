// Command go-client tries EfficientIP's Go client for /api/v2.0, unmodified, on a SOLIDserver or the simulator.
//
// Usage: go-client [GROUP...]; without a group, all of them. What it needs from the environment is in
// docs/guides/conformance.md. Results go to the file CONFORMANCE_RESULTS.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/efficientip-labs/solidserver-go-client/sdsclient"
)

const clientModule = "github.com/efficientip-labs/solidserver-go-client"

var clientVersion = moduleVersion()

func moduleVersion() string {
	if information, ok := debug.ReadBuildInfo(); ok {
		for _, module := range information.Deps {
			if module.Path == clientModule {
				return strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	return "unknown"
}

// session is one login of the client, and where on the appliance records may be made.
type session struct {
	*checks
	dns       *sdsclient.DnsAPIService
	ctx       context.Context
	address   string
	server    string
	view      string
	zone      string
	prefix    string
	simulated bool
}

// name is an owner name of this run in the scratch zone.
func (s *session) name(label string) string {
	return fmt.Sprintf("%s-%s.%s", s.prefix, label, s.zone)
}

var groups = []struct {
	name string
	run  func(*session)
}{
	{"read", (*session).read},
	{"records", (*session).records},
	{"aaaa", (*session).longAddress},
	{"class-parameters", (*session).classParameters},
	{"errors", (*session).errors},
	{"containers", (*session).containers},
	{"webhook", (*session).webhook},
	{"refused", (*session).refused},
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(chosen []string) error {
	results, err := os.OpenFile(os.Getenv("CONFORMANCE_RESULTS"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("CONFORMANCE_RESULTS: %w", err)
	}
	defer results.Close()
	transport, err := newRecorder(os.Getenv("CONFORMANCE_RECORDING"))
	if err != nil {
		return fmt.Errorf("CONFORMANCE_RECORDING: %w", err)
	}
	for _, login := range []string{"basic", "token"} {
		ctx := withLogin(login, os.Getenv("CONFORMANCE_PASSWORD"), os.Getenv("CONFORMANCE_TOKEN_SECRET"))
		if login == "token" && os.Getenv("CONFORMANCE_TOKEN_ID") == "" {
			continue
		}
		s := newSession(results, login, ctx, transport)
		for _, group := range groups {
			if len(chosen) == 0 || contains(chosen, group.name) {
				group.run(s)
			}
		}
	}
	return transport.close()
}

func newSession(results *os.File, login string, ctx context.Context, transport http.RoundTripper) *session {
	configuration := sdsclient.NewConfiguration()
	configuration.HTTPClient = &http.Client{Transport: transport, Timeout: 20 * time.Second}
	s := &session{
		checks:    &checks{results: results, login: login},
		dns:       sdsclient.NewAPIClient(configuration).DnsAPI,
		ctx:       ctx,
		address:   os.Getenv("CONFORMANCE_ADDRESS"),
		server:    os.Getenv("CONFORMANCE_SERVER"),
		view:      os.Getenv("CONFORMANCE_VIEW"),
		zone:      os.Getenv("CONFORMANCE_ZONE"),
		prefix:    os.Getenv("CONFORMANCE_PREFIX") + "-" + login,
		simulated: os.Getenv("CONFORMANCE_ADMIN") != "",
	}
	if seconds, err := strconv.ParseFloat(os.Getenv("CONFORMANCE_PAUSE"), 64); err == nil {
		s.pause = time.Duration(seconds * float64(time.Second))
	}
	return s
}

// withLogin is a context that the client takes its login and its server from.
func withLogin(login, password, secret string) context.Context {
	ctx := context.WithValue(context.Background(), sdsclient.ContextServerVariables, map[string]string{
		"host": os.Getenv("CONFORMANCE_ADDRESS"),
		"port": "443",
	})
	if login == "token" {
		return context.WithValue(ctx, sdsclient.ContextEipApiTokenAuth, sdsclient.EipApiTokenAuth{
			Token: os.Getenv("CONFORMANCE_TOKEN_ID"), Secret: secret,
		})
	}
	return context.WithValue(ctx, sdsclient.ContextBasicAuth, sdsclient.BasicAuth{
		UserName: os.Getenv("CONFORMANCE_USER"), Password: password,
	})
}

func contains(names []string, name string) bool {
	for _, each := range names {
		if each == name {
			return true
		}
	}
	return false
}
