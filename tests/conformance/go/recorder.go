package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"sync"
)

// recorder passes requests on and writes each exchange down, one JSON object a line, for the check against the OpenAPI
// description. It changes nothing.
type recorder struct {
	next http.RoundTripper
	lock sync.Mutex
	file *os.File
}

// exchange is what of a request and its answer the OpenAPI description speaks of.
type exchange struct {
	Method      string `json:"method"`
	Path        string `json:"path"`
	Status      int    `json:"status"`
	ContentType string `json:"contentType"`
	Body        string `json:"body"`
}

func newRecorder(path string) (*recorder, error) {
	r := &recorder{next: http.DefaultTransport}
	if path == "" {
		return r, nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	r.file = file
	return r, err
}

func (r *recorder) close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := r.next.RoundTrip(request)
	if err != nil || r.file == nil {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	answer.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	line, err := json.Marshal(exchange{request.Method, request.URL.Path, answer.StatusCode,
		answer.Header.Get("Content-Type"), string(body)})
	if err != nil {
		return answer, err
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	_, err = r.file.Write(append(line, '\n'))
	return answer, err
}
