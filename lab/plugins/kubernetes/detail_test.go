package main

import (
	"reflect"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func TestMergePatchLeadsFromOneObjectToTheOther(t *testing.T) {
	old := object{"same": int64(1), "nested": object{"keep": "a", "go": "b"}, "list": []any{"x"}, "gone": true}
	news := object{"same": 1.0, "nested": object{"keep": "a", "come": "c"}, "list": []any{"x", "y"}}
	want := object{"nested": object{"go": nil, "come": "c"}, "list": []any{"x", "y"}, "gone": nil}
	if got := mergePatch(old, news); !reflect.DeepEqual(got, want) {
		t.Errorf("patch is %v, not %v", got, want)
	}
}

func TestEqualComparesAsJSONDoes(t *testing.T) {
	for _, pair := range [][2]any{
		{int64(2), 2.0}, {object{"a": []any{int64(1)}}, object{"a": []any{1.0}}}, {nil, nil},
	} {
		if !equal(pair[0], pair[1]) {
			t.Errorf("%v and %v are the same", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]any{
		{"1", 1.0}, {nil, object{}}, {"a", []any{"a"}}, {[]any{}, object{}}, {true, "true"}, {object{"a": nil}, object{}},
	} {
		if equal(pair[0], pair[1]) || equal(pair[1], pair[0]) {
			t.Errorf("%v and %v are not the same", pair[0], pair[1])
		}
	}
}

func TestTouchesFindsChangesAtBelowAndAboveAPattern(t *testing.T) {
	cases := []struct {
		pattern string
		path    []any
		value   any
		want    bool
	}{
		{"spec.selector", []any{"spec", "selector"}, nil, true},
		{"spec.selector", []any{"spec", "selector", "matchLabels", "app"}, "a", true},
		{"spec.selector", []any{"spec"}, object{"selector": nil}, true},
		{"spec.selector", []any{"spec"}, object{"replicas": 1.0}, false},
		{"spec.selector", []any{"spec"}, nil, false},
		{"spec.selector", []any{"spec", "replicas"}, 1.0, false},
		{"spec.containers.*.image", []any{"spec", "containers", 1, "image"}, "a", true},
		{"spec.containers.*.image", []any{"spec", "containers", 1}, object{"image": "a"}, true},
		{"spec.containers.*.image", []any{"spec", "containers"}, []any{object{}, object{"image": "a"}}, true},
		{"spec.containers.*.image", []any{"spec", "containers", 1, "name"}, "a", false},
	}
	for _, c := range cases {
		if got := touches(c.pattern, c.path, c.value); got != c.want {
			t.Errorf("a change at %v to %v touches %s: %v", c.path, c.value, c.pattern, got)
		}
	}
}

func TestPathsAreWrittenAndReadAsTheEngineDoes(t *testing.T) {
	for text, path := range map[string][]any{
		"spec.containers[0].image":   {"spec", "containers", 0, "image"},
		`metadata.labels["a.b/c"].d`: {"metadata", "labels", "a.b/c", "d"},
		`data["quo\"te]"]`:           {"data", `quo"te]`},
		"fleet/tenant":               {"fleet/tenant"},
	} {
		if got := pathText(path); got != text {
			t.Errorf("%v is written %s, not %s", path, got, text)
		}
		if got := parsePath(text); !reflect.DeepEqual(got, path) {
			t.Errorf("%s is read %v, not %v", text, got, path)
		}
	}
	for above, want := range map[string]bool{
		"spec": true, "spec.containers[*].image": true, "spec.containers[1]": false, "spec.containers[0].image.tag": false,
	} {
		if got := within(parsePath("spec.containers[0].image"), parsePath(above)); got != want {
			t.Errorf("spec.containers[0].image is within %s: %v", above, got)
		}
	}
}

func TestDetailLeavesOutWhatOnlyTheServerHasSet(t *testing.T) {
	changes := detail(object{"a": 1.0}, object{"a": 2.0}, object{}, object{}, nil)
	if len(changes) != 0 {
		t.Errorf("changes are %v", changes)
	}
}

func TestDetailTellsAnElementsChangesOneByOne(t *testing.T) {
	old := object{"list": []any{object{"a": "1", "b": "2"}, "second"}}
	news := object{"list": []any{object{"a": "1", "c": "3"}}}
	got := map[string]pulumirpc.PropertyDiff_Kind{}
	for path, change := range detail(mergePatch(old, news), old, news, old, []string{"list.*.c"}) {
		got[path] = change.GetKind()
	}
	want := map[string]pulumirpc.PropertyDiff_Kind{
		"list[0].b": pulumirpc.PropertyDiff_DELETE, "list[0].c": pulumirpc.PropertyDiff_ADD_REPLACE,
		"list[1]": pulumirpc.PropertyDiff_DELETE,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("changes are %v, not %v", got, want)
	}
}
