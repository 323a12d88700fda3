package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// marker is the name under which a resource's object is created: `pulumi-kubernetes-` and eight digits that follow from
// the URN. A resource that replaces one of the same URN gets digits of its own, or the old one's end would take the new
// one's fields along.
func (p *provider) marker(urn string) string {
	if p.settings.clientSideApply {
		return createManager
	}
	if _, replaces := p.recorded.Load(urn); replaces {
		return createManager + "-" + suffix(nil)
	}
	return ownMarker(urn)
}

func ownMarker(urn string) string {
	digest := sha256.Sum256([]byte(urn))
	return createManager + "-" + hex.EncodeToString(digest[:4])
}

// newManager is the field manager of a resource that is created under a marker, unless the program chose one.
func (p *provider) newManager(marker string, inputs *unstructured.Unstructured) string {
	if name := annotation(inputs, fieldManagerAnnotation); name != "" && !p.settings.clientSideApply {
		return name
	}
	return marker
}

// managerOf is the field manager of a resource that the engine has in its state.
func (p *provider) managerOf(urn string, kept object, inputs *unstructured.Unstructured) string {
	name := text(reveal(kept[fieldManagerKey]))
	if name == "" || p.settings.clientSideApply {
		name = p.marker(urn)
	}
	return p.newManager(name, inputs)
}

// remains looks at an object that exists although the engine knows nothing of it, and gives it back if it is what this
// very resource made before the engine was killed: created under the marker that only this URN has, and still saying what
// the inputs say. Anything else is somebody's.
func (p *provider) remains(
	ctx context.Context, urn string, objects dynamic.ResourceInterface, inputs *unstructured.Unstructured, marker string,
) *unstructured.Unstructured {
	if marker != ownMarker(urn) {
		return nil
	}
	live, err := objects.Get(ctx, inputs.GetName(), metav1.GetOptions{})
	if err != nil || live.GetDeletionTimestamp() != nil {
		return nil
	}
	ours := false
	for _, entry := range live.GetManagedFields() {
		ours = ours || (entry.Manager == marker && entry.Operation == metav1.ManagedFieldsOperationUpdate)
	}
	wanted := normalize(inputs.DeepCopy())
	if !ours || len(mergePatch(p.comparable(wanted, live, inputs.DeepCopy()).Object, wanted.Object)) > 0 {
		return nil
	}
	return live
}

// ownManagers are the beginnings of the names under which objects are created here or by hand. What they hold is taken
// over by the first apply, or it would conflict with it.
var ownManagers = []string{"kubectl", "before-first-apply", "pulumi-kubernetes", "pulumi-resource-kubernetes"}

func takenOver(entry metav1.ManagedFieldsEntry) bool {
	if entry.Subresource != "" {
		return false
	}
	if entry.Operation == metav1.ManagedFieldsOperationApply {
		return strings.HasPrefix(entry.Manager, "kubectl")
	}
	for _, name := range ownManagers {
		if strings.HasPrefix(entry.Manager, name) {
			return true
		}
	}
	return false
}

// takeOver hands to a field manager what was created under another name, and gives back the object as it is then. A
// controller that writes in between makes it look again.
func takeOver(
	ctx context.Context, objects dynamic.ResourceInterface, live *unstructured.Unstructured, manager string,
) (*unstructured.Unstructured, error) {
	for {
		entries, changed, err := merged(live.GetManagedFields(), manager)
		if err != nil || !changed {
			return live, err
		}
		patch, err := json.Marshal([]object{
			{"op": "replace", "path": "/metadata/managedFields", "value": entries},
			{"op": "replace", "path": "/metadata/resourceVersion", "value": live.GetResourceVersion()},
		})
		if err != nil {
			return nil, err
		}
		owned, err := objects.Patch(ctx, live.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{})
		if !apierrors.IsConflict(err) {
			return owned, err
		}
		if live, err = objects.Get(ctx, live.GetName(), metav1.GetOptions{}); err != nil {
			return nil, err
		}
	}
}

// merged moves the fields of all entries that are taken over into the one that `manager` applies with.
func merged(entries []metav1.ManagedFieldsEntry, manager string) ([]metav1.ManagedFieldsEntry, bool, error) {
	own := metav1.ManagedFieldsEntry{
		Manager: manager, Operation: metav1.ManagedFieldsOperationApply, FieldsType: "FieldsV1",
		Time: &metav1.Time{Time: time.Now().UTC().Truncate(time.Second)},
	}
	fields, changed := fieldpath.NewSet(), false
	var rest []metav1.ManagedFieldsEntry
	for _, entry := range entries {
		isOwn := entry.Manager == manager && entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == ""
		if !isOwn && !takenOver(entry) {
			rest = append(rest, entry)
			continue
		}
		changed = changed || !isOwn
		own.APIVersion = entry.APIVersion
		set, err := fieldSet(entry)
		if err != nil {
			return nil, false, err
		}
		fields = fields.Union(set)
	}
	content, err := fields.ToJSON()
	if err != nil {
		return nil, false, err
	}
	own.FieldsV1 = &metav1.FieldsV1{Raw: content}
	return append(rest, own), changed, nil
}

func fieldSet(entry metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	set := fieldpath.NewSet()
	if entry.FieldsV1 == nil {
		return set, nil
	}
	return set, set.FromJSON(bytes.NewReader(entry.FieldsV1.Raw))
}

// relinquish gives up all fields that a manager holds: those that nobody else holds go away.
func relinquish(
	ctx context.Context, objects dynamic.ResourceInterface, item *unstructured.Unstructured, manager string,
) error {
	bare := &unstructured.Unstructured{Object: object{"apiVersion": item.GetAPIVersion(), "kind": item.GetKind()}}
	bare.SetName(item.GetName())
	if item.GetNamespace() != "" {
		bare.SetNamespace(item.GetNamespace())
	}
	content, err := json.Marshal(bare.Object)
	if err != nil {
		return err
	}
	_, err = objects.Patch(ctx, item.GetName(), types.ApplyPatchType, content, metav1.PatchOptions{FieldManager: manager})
	return err
}

// forces decides whether an apply takes fields from others: when it is told to; in a preview of an object that is taken
// over before the real apply; and for objects from before there were field managers.
func (p *provider) forces(inputs, live *unstructured.Unstructured, preview bool) bool {
	if p.settings.patchForce || annotated(inputs, patchForceAnnotation) {
		return true
	}
	if live == nil {
		return preview
	}
	for _, entry := range live.GetManagedFields() {
		created := entry.Operation == metav1.ManagedFieldsOperationUpdate && entry.Subresource == "" &&
			(strings.HasPrefix(entry.Manager, "pulumi-kubernetes") || entry.Manager == "pulumi-resource-kubernetes")
		if preview && created {
			return true
		}
	}
	return len(live.GetManagedFields()) == 0
}

// respectIgnored keeps an apply from touching what the program wants ignored: a field that others hold is left out of the
// inputs, one that nobody else holds keeps the value it has.
func respectIgnored(inputs, live *unstructured.Unstructured, ignored []string, manager string) error {
	ours, theirs := fieldpath.NewSet(), fieldpath.NewSet()
	for _, entry := range live.GetManagedFields() {
		set, err := fieldSet(entry)
		if err != nil {
			return err
		}
		if entry.Manager == manager {
			ours = ours.Union(set)
		} else {
			theirs = theirs.Union(set)
		}
	}
	for _, path := range ignored {
		keys, plain := names(parsePath(path))
		if !plain {
			continue
		}
		if covers(theirs, keys) && !covers(ours, keys) {
			unstructured.RemoveNestedField(inputs.Object, keys...)
		} else if value, found, err := unstructured.NestedFieldCopy(live.Object, keys...); found && err == nil {
			if err := unstructured.SetNestedField(inputs.Object, value, keys...); err != nil {
				return err
			}
		}
	}
	return nil
}

// names are the parts of a path that leads through objects only.
func names(path []any) ([]string, bool) {
	keys := make([]string, 0, len(path))
	for _, part := range path {
		name, isName := part.(string)
		if !isName || name == "*" {
			return nil, false
		}
		keys = append(keys, name)
	}
	return keys, len(keys) > 0
}

// covers reports whether a set has a field or anything below it.
func covers(set *fieldpath.Set, keys []string) bool {
	found := false
	set.Iterate(func(path fieldpath.Path) {
		if found || len(path) < len(keys) {
			return
		}
		for index, key := range keys {
			if path[index].FieldName == nil || *path[index].FieldName != key {
				return
			}
		}
		found = true
	})
	return found
}
