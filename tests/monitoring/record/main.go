// Record scrapes the metrics of one operator with Prometheus' own scraper into Prometheus' own database, until a line
// with queries comes on standard input; then it writes what they answer, as JSON. scripts/dashboard runs it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
)

// longest is when it ends by itself, should nobody ask.
const longest = time.Hour

// job names the one scrape configuration.
const job = "solidserver-operator"

type questions struct {
	Start, End int64 // Unix seconds
	Step       int64 // seconds
	Queries    []string
}

type series struct {
	Labels map[string]string `json:"labels"`
	// Time in Unix seconds, and the value; null for what JSON has no number for, such as the quantile of nothing.
	Points [][2]*float64 `json:"points"`
}

func main() {
	address := flag.String("address", "", "host:port of the operator's /metrics")
	pod := flag.String("pod", "", "what the label pod says, which a ServiceMonitor would add")
	interval := flag.String("interval", "5s", "how often to scrape")
	flag.Parse()
	if err := run(*address, *pod, *interval); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(address, pod, interval string) (err error) {
	folder, err := os.MkdirTemp("", "record")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	database, err := tsdb.Open(folder, nil, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Close()) }()

	stop, err := scraping(database, address, pod, interval)
	if err != nil {
		return err
	}
	asked, err := ask(os.Stdin)
	stop()
	if err != nil {
		return err
	}
	answers, err := evaluate(database, asked)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

// scraping begins, and ends with the function that it returns.
func scraping(database *tsdb.DB, address, pod, interval string) (func(), error) {
	text := fmt.Sprintf("scrape_configs: [{job_name: %s, scrape_interval: %s, scrape_timeout: %s}]", job, interval, interval)
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	settings, err := config.Load(text, logger)
	if err != nil {
		return nil, err
	}
	manager, err := scrape.NewManager(nil, logger, nil, nil, database, prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	if err := manager.ApplyConfig(settings); err != nil {
		return nil, err
	}
	targets := make(chan map[string][]*targetgroup.Group, 1)
	targets <- map[string][]*targetgroup.Group{job: {{
		Source:  job,
		Targets: []model.LabelSet{{model.AddressLabel: model.LabelValue(address), "pod": model.LabelValue(pod)}},
	}}}
	go func() { _ = manager.Run(targets) }()
	return manager.Stop, nil
}

// ask waits for the questions.
func ask(input io.Reader) (questions, error) {
	var asked questions
	read := make(chan error, 1)
	go func() { read <- json.NewDecoder(input).Decode(&asked) }()
	select {
	case err := <-read:
		return asked, err
	case <-time.After(longest):
		return questions{}, fmt.Errorf("nobody asked within %s", longest)
	}
}

// evaluate answers each query over the whole range.
func evaluate(database *tsdb.DB, asked questions) ([][]series, error) {
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000,
		Timeout:    time.Minute,
		Parser:     parser.NewParser(parser.Options{}),
	})
	answers := make([][]series, len(asked.Queries))
	for index, text := range asked.Queries {
		query, err := engine.NewRangeQuery(context.Background(), database, nil, text,
			time.Unix(asked.Start, 0), time.Unix(asked.End, 0), time.Duration(asked.Step)*time.Second)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		matrix, err := query.Exec(context.Background()).Matrix()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		answers[index] = make([]series, 0, len(matrix))
		for _, found := range matrix {
			one := series{Labels: found.Metric.Map()}
			for _, point := range found.Floats {
				seconds, value := float64(point.T)/1000, &point.F
				if math.IsNaN(point.F) || math.IsInf(point.F, 0) {
					value = nil
				}
				one.Points = append(one.Points, [2]*float64{&seconds, value})
			}
			answers[index] = append(answers[index], one)
		}
		query.Close()
	}
	return answers, nil
}
