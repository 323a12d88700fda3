package main

import (
	"context"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
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

func TestMarkersFollowFromTheURNUnlessAnObjectIsReplaced(t *testing.T) {
	p, err := newProvider("")
	if err != nil {
		t.Fatal(err)
	}
	first := p.marker("urn:a")
	if p.marker("urn:a") != first || p.marker("urn:b") == first {
		t.Errorf("%s does not stand for its URN", first)
	}
	p.recorded.Store("urn:a", true)
	if p.marker("urn:a") == first {
		t.Error("what replaces an object has the marker of the object")
	}
	chosen := manifest(object{"metadata": object{"annotations": object{fieldManagerAnnotation: "me"}}})
	if got := p.newManager(first, chosen); got != "me" {
		t.Errorf("the manager that the program chose is %s", got)
	}
}

// busy is a server whose object a controller changes once while it is being looked at.
type busy struct {
	dynamic.ResourceInterface
	live    *unstructured.Unstructured
	patches int
}

func (b *busy) Get(context.Context, string, metav1.GetOptions, ...string) (*unstructured.Unstructured, error) {
	return b.live.DeepCopy(), nil
}

func (b *busy) Patch(
	context.Context, string, types.PatchType, []byte, metav1.PatchOptions, ...string,
) (*unstructured.Unstructured, error) {
	if b.patches++; b.patches == 1 {
		return nil, apierrors.NewConflict(schema.GroupResource{Resource: "deployments"}, "web", nil)
	}
	return b.live, nil
}

func TestTakeOverLooksAgainWhenAControllerWasFaster(t *testing.T) {
	live := manifest(object{"metadata": object{"name": "web"}})
	live.SetManagedFields([]metav1.ManagedFieldsEntry{entry("kubectl", metav1.ManagedFieldsOperationUpdate, "", `{"f:data":{}}`)})
	server := &busy{live: live}
	if _, err := takeOver(context.Background(), server, live, "mine"); err != nil || server.patches != 2 {
		t.Errorf("after %d attempts: %v", server.patches, err)
	}
}
