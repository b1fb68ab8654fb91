// Command go-webhook makes the calls that EfficientIP's webhook for external-dns makes, with EfficientIP's Go client:
// the zones of a server and all rows of each, then a delete for each record that differs, then an add for each.
//
// It is one round of external-dns, without the TXT records that mark its ownership (they would double the writes).
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"
)

const clientModule = "github.com/efficientip-labs/solidserver-go-client"

// record is a record that exists, and the TTL that it shall have.
type record struct {
	Name   string `json:"name"`
	Zone   string `json:"zone"`
	Server string `json:"server"`
	Type   string `json:"type"`
	Value  string `json:"value"`
	OldTTL int32  `json:"old_ttl"`
	NewTTL int32  `json:"new_ttl"`
}

// result is what this program prints.
type result struct {
	Name     string            `json:"name"`
	Wall     float64           `json:"wall_seconds"`
	Updated  int               `json:"updated"`
	Skipped  int               `json:"skipped"`
	Failed   int               `json:"failed"`
	Calls    int64             `json:"calls"`
	CPU      float64           `json:"cpu_seconds"`
	Versions map[string]string `json:"versions"`
}

// counter counts calls and changes nothing about them.
type counter struct {
	next  http.RoundTripper
	calls atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (c *counter) RoundTrip(request *http.Request) (*http.Response, error) {
	c.calls.Add(1)
	return c.next.RoundTrip(request)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	endpoint := flag.String("endpoint", "", "https://HOST:PORT")
	ca := flag.String("ca", "", "PEM file of the authority")
	user := flag.String("user", "", "the account's name")
	password := flag.String("password", "", "the account's password")
	file := flag.String("records", "", "JSON file of the records")
	flag.Int("concurrency", 1, "taken and not used: the webhook makes one call at a time")
	flag.Parse()
	records, err := read(*file)
	if err != nil {
		return err
	}
	address, err := url.Parse(*endpoint)
	if err != nil {
		return fmt.Errorf("-endpoint: %w", err)
	}
	// The webhook verifies against the authorities of the system; so does Go, which takes them from here.
	if err := os.Setenv("SSL_CERT_FILE", *ca); err != nil {
		return err
	}
	transport := &counter{next: http.DefaultTransport}
	begun := time.Now()
	r := result{Name: "go-webhook", Versions: versions()}
	for server, ofServer := range byServer(records) {
		newWebhook(address, *user, *password, server, transport).round(ofServer, &r)
	}
	r.Wall, r.Calls, r.CPU = time.Since(begun).Seconds(), transport.calls.Load(), cpuSeconds()
	return json.NewEncoder(os.Stdout).Encode(r)
}

func read(file string) ([]record, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var records []record
	if err := json.Unmarshal(text, &records); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return records, nil
}

// byServer: a webhook serves one server.
func byServer(records []record) map[string][]record {
	servers := map[string][]record{}
	for _, r := range records {
		servers[r.Server] = append(servers[r.Server], r)
	}
	return servers
}

func versions() map[string]string {
	versions := map[string]string{"go": runtime.Version()}
	if information, ok := debug.ReadBuildInfo(); ok {
		for _, module := range information.Deps {
			if module.Path == clientModule {
				versions["solidserver-go-client"] = module.Version
			}
		}
	}
	return versions
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	seconds := func(time syscall.Timeval) float64 { return float64(time.Sec) + float64(time.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}
