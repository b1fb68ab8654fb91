package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// skipped is the reason why a check says nothing about this appliance.
type skipped string

func (reason skipped) Error() string { return string(reason) }

// checks runs checks one by one; each result is a line of CONFORMANCE_RESULTS: client, version, operation, result,
// detail.
type checks struct {
	results *os.File
	login   string
	// Before each check: a real appliance shares its call budget with people.
	pause time.Duration
}

// check runs the action; an error or a panic is the failure of this check alone.
func (c *checks) check(operation string, action func() error) {
	time.Sleep(c.pause)
	err := guarded(action)
	result, detail := "passed", ""
	if reason, ok := err.(skipped); ok {
		result, detail = "skipped", string(reason)
	} else if err != nil {
		result, detail = "FAILED", err.Error()
	}
	fields := []string{"solidserver-go-client", clientVersion, c.login + ": " + operation, result,
		strings.Join(strings.Fields(detail), " ")}
	if _, err := fmt.Fprintln(c.results, strings.Join(fields, "\t")); err != nil {
		panic(err)
	}
}

func guarded(action func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	return action()
}

// equal is an error unless both values print the same.
func equal(actual, expected any, what string) error {
	if fmt.Sprintf("%#v", actual) == fmt.Sprintf("%#v", expected) {
		return nil
	}
	return fmt.Errorf("%s: %#v instead of %#v", what, actual, expected)
}

// all is the first error of several.
func all(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}
