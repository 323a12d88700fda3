package main

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func entry(manager string, operation metav1.ManagedFieldsOperationType, subresource, fields string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{
		Manager: manager, Operation: operation, Subresource: subresource, APIVersion: "v1", FieldsType: "FieldsV1",
		FieldsV1: &metav1.FieldsV1{Raw: []byte(fields)},
	}
}

func TestMergedTakesOverWhatWasCreatedOrSetByHand(t *testing.T) {
	const update, apply = metav1.ManagedFieldsOperationUpdate, metav1.ManagedFieldsOperationApply
	entries, changed, err := merged([]metav1.ManagedFieldsEntry{
		entry("pulumi-kubernetes-0123abcd", update, "", `{"f:data":{"f:a":{}}}`),
		entry("kubectl-label", update, "", `{"f:metadata":{"f:labels":{"f:l":{}}}}`),
		entry("kubectl", update, "scale", `{"f:spec":{"f:replicas":{}}}`),
		entry("somebody", update, "", `{"f:data":{"f:b":{}}}`),
		entry("mine", apply, "", `{"f:data":{"f:c":{}}}`),
	}, "mine")
	if err != nil || !changed || len(entries) != 3 {
		t.Fatalf("merged are %v, changed %v, %v", entries, changed, err)
	}
	own := entries[2]
	want := `{"f:data":{"f:a":{},"f:c":{}},"f:metadata":{"f:labels":{"f:l":{}}}}`
	if own.Manager != "mine" || own.Operation != apply || string(own.FieldsV1.Raw) != want {
		t.Errorf("the own entry is %s by %s: %s", own.Operation, own.Manager, own.FieldsV1.Raw)
	}
	if _, changed, _ := merged(entries, "mine"); changed {
		t.Error("there is nothing left to take over")
	}
}

func TestManagersFollowFromTheURNUnlessAnObjectIsReplaced(t *testing.T) {
	p, err := newProvider("")
	if err != nil {
		t.Fatal(err)
	}
	bare := manifest(object{"metadata": object{"name": "a"}})
	first := p.newManager("urn:a", bare)
	if p.newManager("urn:a", bare) != first || p.newManager("urn:b", bare) == first {
		t.Errorf("%s does not stand for its URN", first)
	}
	p.recorded.Store("urn:a", true)
	if p.newManager("urn:a", bare) == first {
		t.Error("what replaces an object has the manager of the object")
	}
	chosen := manifest(object{"metadata": object{"annotations": object{fieldManagerAnnotation: "me"}}})
	if got := p.newManager("urn:a", chosen); got != "me" {
		t.Errorf("the manager that the program chose is %s", got)
	}
}
