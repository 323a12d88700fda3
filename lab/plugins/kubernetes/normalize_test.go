package main

import (
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestPruneKeepsWhatTheProgramHasASayIn(t *testing.T) {
	live := object{
		"spec": object{"a": "live", "server": "x", "list": []any{object{"n": "1", "d": "server"}, object{"n": "2"}}},
		"type": "text", "status": object{},
	}
	shape := object{"spec": object{"a": "said", "list": []any{object{"n": "1"}}}, "type": object{}, "absent": true}
	want := object{"spec": object{"a": "live", "list": []any{object{"n": "1"}}}, "type": "text"}
	if got := prune(live, shape); !reflect.DeepEqual(got, want) {
		t.Errorf("pruned is %v, not %v", got, want)
	}
}

func TestNormalizeWritesDataOfSecretsAsTheServerDoes(t *testing.T) {
	item := &unstructured.Unstructured{Object: object{
		"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "s"},
		"data": object{"a": "aGVs\nbG8=", "broken": "!"}, "stringData": object{"b": "x", "a": "wins"},
	}}
	got := normalize(item).Object
	want := object{"a": "d2lucw==", "b": "eA==", "broken": "!"}
	if !reflect.DeepEqual(got["data"], want) || got["stringData"] != nil {
		t.Errorf("normalized is %v", got)
	}
}

func TestNormalizeLeavesWhatIsNotFullyKnown(t *testing.T) {
	item := &unstructured.Unstructured{Object: object{
		"apiVersion": "v1", "kind": "ResourceQuota", "metadata": object{"name": unknown{unknownString}},
		"spec": object{"hard": object{"cpu": "1000m"}},
	}}
	if got := dig(normalize(item).Object, "spec", "hard", "cpu"); got != "1000m" {
		t.Errorf("cpu is %v", got)
	}
}

func TestDashesOfDefinitionsComeAndGo(t *testing.T) {
	properties := object{"x_kubernetes_list_type": "map", "x_other": object{"x_kubernetes_validations": []any{}}}
	item := manifest(properties)
	want := object{"x-kubernetes-list-type": "map", "x_other": object{"x-kubernetes-validations": []any{}}}
	if !reflect.DeepEqual(item.Object, want) || !reflect.DeepEqual(propertiesOf(item), properties) {
		t.Errorf("%v became %v and came back as %v", properties, item.Object, propertiesOf(item))
	}
}
