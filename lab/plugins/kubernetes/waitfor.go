package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/client-go/util/jsonpath"
)

// parseWaitFor reads the annotation pulumi.com/waitFor: `jsonpath={.path}`, `jsonpath={.path}=value`,
// `condition=Type`, `condition=Type=Status`, or a JSON list of those, all of which have to hold.
func parseWaitFor(expression string) (func(object) verdict, error) {
	var expressions []string
	if json.Unmarshal([]byte(expression), &expressions) != nil {
		expressions = []string{expression}
	}
	if len(expressions) == 0 {
		return nil, fmt.Errorf("the annotation %s lists nothing to wait for", waitForAnnotation)
	}
	var checks []func(object) verdict
	for _, part := range expressions {
		var check func(object) verdict
		var err error
		switch {
		case strings.HasPrefix(part, "jsonpath="):
			check, err = parsePathCheck(strings.TrimPrefix(part, "jsonpath="))
		case strings.HasPrefix(part, "condition="):
			check = conditionCheck(strings.TrimPrefix(part, "condition="))
		default:
			err = fmt.Errorf("%q is neither jsonpath=… nor condition=…", part)
		}
		if err != nil {
			return nil, fmt.Errorf("the annotation %s cannot be read: %w", waitForAnnotation, err)
		}
		checks = append(checks, check)
	}
	return func(live object) verdict {
		for _, check := range checks {
			if state := check(live); !state.done {
				return state
			}
		}
		return doneWhen(true, "")
	}, nil
}

// parsePathCheck reads `{.path}` or `{.path}=value`.
func parsePathCheck(expression string) (func(object) verdict, error) {
	closing := strings.LastIndex(expression, "}")
	if !strings.HasPrefix(expression, "{") || closing < 0 {
		return nil, fmt.Errorf("the path in %q has to be in braces", expression)
	}
	value, compares := strings.CutPrefix(expression[closing+1:], "=")
	if rest := expression[closing+1:]; (rest != "" && !compares) || (compares && value == "") {
		return nil, fmt.Errorf("%q is not {.path} or {.path}=value", expression)
	}
	path := jsonpath.New(waitForAnnotation)
	if err := path.Parse(expression[:closing+1]); err != nil {
		return nil, err
	}
	return func(live object) verdict {
		message := "Waiting for " + expression
		if !upToDate(live) {
			return doneWhen(false, message)
		}
		results, err := path.FindResults(live)
		if err != nil || len(results) == 0 || len(results[0]) == 0 {
			return doneWhen(false, message)
		}
		if !compares {
			return doneWhen(true, "")
		}
		var found bytes.Buffer
		if err := path.PrintResults(&found, results[0][:1]); err != nil {
			return doneWhen(false, message)
		}
		return doneWhen(found.String() == value, fmt.Sprintf("%s, found %q", message, found.String()))
	}, nil
}

// upToDate holds unless a controller says that it has only seen an older generation.
func upToDate(live object) bool {
	seen := dig(live, "status", "observedGeneration")
	return seen == nil || integer(seen) >= integer(dig(live, "metadata", "generation"))
}

// conditionCheck waits for an entry of status.conditions, `Type` or `Type=Status`.
func conditionCheck(expression string) func(object) verdict {
	kind, wanted, compares := strings.Cut(expression, "=")
	if !compares {
		wanted = "True"
	}
	return func(live object) verdict {
		entry := condition(live, kind)
		current := upToDate(live)
		if seen := entry["observedGeneration"]; seen != nil {
			current = integer(seen) >= integer(dig(live, "metadata", "generation"))
		}
		return doneWhen(current && strings.EqualFold(text(entry["status"]), wanted) && entry != nil,
			fmt.Sprintf("Waiting for the condition %s to be %s", kind, wanted))
	}
}

// conditionsReady is the readiness of a kind that nothing is known of: its controller has seen it, and no condition with
// a common meaning says otherwise.
func conditionsReady(live object) verdict {
	message := "Waiting for readiness"
	if !upToDate(live) || dig(live, "metadata", "deletionTimestamp") != nil {
		return doneWhen(false, message)
	}
	for kind, bad := range map[string]string{"Ready": "False", "Reconciling": "True", "Stalled": "True"} {
		entry := condition(live, kind)
		if current := text(entry["status"]); current == bad || (kind == "Ready" && current == "Unknown") {
			return doneWhen(false, strings.TrimSuffix(message+": "+text(entry["message"]), ": "))
		}
	}
	return doneWhen(true, "")
}
