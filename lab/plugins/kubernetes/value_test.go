package main

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestValuesSurviveTheWire(t *testing.T) {
	properties := object{
		"text": "a", "number": 1.5, "yes": true, "nothing": nil, "list": []any{"a", object{"b": 2.0}},
		"hidden": secret{object{"deep": secret{"twice"}}}, "later": unknown{unknownString},
	}
	if got := decode(encode(properties)); !reflect.DeepEqual(got, properties) {
		t.Errorf("%v came back as %v", properties, got)
	}
}

func TestRevealTakesAllSecretsOffAndLeavesUnknowns(t *testing.T) {
	hidden := object{"a": secret{object{"b": secret{"c"}}}, "d": []any{secret{unknown{unknownString}}}}
	want := object{"a": object{"b": "c"}, "d": []any{unknown{unknownString}}}
	if got := reveal(hidden); !reflect.DeepEqual(got, want) {
		t.Errorf("revealed is %v, not %v", got, want)
	}
	if !contains(hidden, isSecret) || !hasUnknown(hidden) || contains(want, isSecret) {
		t.Error("what a value contains is not found")
	}
}

func TestMarkSecretsFollowsItsOriginAndTheKind(t *testing.T) {
	target := object{
		"kind": "Secret", "data": object{"k": "v"}, "open": "o",
		"metadata": object{"annotations": object{"token": "t", "other": "x"}}, "list": []any{"a", "b"},
	}
	markSecrets(target, object{
		"metadata": object{"annotations": object{"token": secret{"t"}}}, "list": []any{secret{"b"}, "a"}, "gone": secret{""},
	})
	want := object{
		"kind": "Secret", "data": secret{object{"k": "v"}}, "open": "o",
		"metadata": object{"annotations": object{"token": secret{"t"}, "other": "x"}}, "list": secret{[]any{"a", "b"}},
	}
	if !reflect.DeepEqual(target, want) {
		t.Errorf("marked is %v, not %v", target, want)
	}
}

func TestRefusalsOfSecretsQuoteNothingOfThem(t *testing.T) {
	origin := object{"kind": "ConfigMap", "data": object{"password": secret{"hunter2"}}}
	for _, message := range []string{
		`Invalid value: "hun\"ter": must match`, `data.password: Invalid value: hunt: too short`, `line hunter2 is bad`,
	} {
		got := discreet(errors.New(message), origin).Error()
		if strings.Contains(got, "hun") || !strings.Contains(got, "[secret]") {
			t.Errorf("%q is told as %q", message, got)
		}
	}
	plain := errors.New(`Invalid value: "a": must match`)
	if got := discreet(plain, object{"kind": "ConfigMap"}); got != plain { //nolint:errorlint // the same one
		t.Errorf("a refusal of what is no secret is changed to %v", got)
	}
}
