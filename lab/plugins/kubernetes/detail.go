package main

import (
	"fmt"
	"sort"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// absent tells a missing key from one whose value is null.
type absent struct{}

func isAbsent(value any) bool { _, ok := value.(absent); return ok }

func lookup(from object, key string) any {
	if value, present := from[key]; present {
		return value
	}
	return absent{}
}

// equal compares values as JSON would: whole numbers of different Go types are the same number.
func equal(one, other any) bool {
	switch one := one.(type) {
	case object:
		other, same := other.(object)
		return same && len(one) == len(other) && len(changedKeys(one, other)) == 0
	case []any:
		other, same := other.([]any)
		if !same || len(one) != len(other) {
			return false
		}
		for index := range one {
			if !equal(one[index], other[index]) {
				return false
			}
		}
		return true
	case int64, float64:
		left, _ := number(one)
		right, same := number(other)
		return same && left == right
	default:
		if _, unhashable := other.([]any); unhashable {
			return false
		}
		if _, unhashable := other.(object); unhashable {
			return false
		}
		return one == other
	}
}

func number(value any) (float64, bool) {
	switch value := value.(type) {
	case int64:
		return float64(value), true
	case float64:
		return value, true
	default:
		return 0, false
	}
}

// changedKeys are the keys whose values differ between two objects, sorted.
func changedKeys(olds, news object) []string {
	var changed []string
	for key, value := range news {
		if old, present := olds[key]; !present || !equal(old, value) {
			changed = append(changed, key)
		}
	}
	for key := range olds {
		if _, present := news[key]; !present {
			changed = append(changed, key)
		}
	}
	sort.Strings(changed)
	return changed
}

// mergePatch is the JSON merge patch that leads from one object to the other.
func mergePatch(olds, news object) object {
	patch := object{}
	for _, key := range changedKeys(olds, news) {
		value, present := news[key]
		oldNested, wasObject := olds[key].(object)
		newNested, isObject := value.(object)
		switch {
		case !present:
			patch[key] = nil
		case wasObject && isObject:
			patch[key] = mergePatch(oldNested, newNested)
		default:
			patch[key] = value
		}
	}
	return patch
}

// detailer turns a patch into the engine's list of changed properties.
type detailer struct {
	replacing []string
	changes   map[string]*pulumirpc.PropertyDiff
}

// detail lists the properties that a patch changes, by path. `old` is what the patch applies to, news and oldInputs what
// the program said now and before: a field that only the server has set is nobody's change.
func detail(patch, old, news, oldInputs object, replacing []string) map[string]*pulumirpc.PropertyDiff {
	d := &detailer{replacing: replacing, changes: map[string]*pulumirpc.PropertyDiff{}}
	d.object(nil, patch, old, news, oldInputs, false)
	return d.changes
}

func (d *detailer) object(path []any, patch, old, news, oldInputs object, inList bool) {
	for key, value := range patch {
		d.value(step(path, key), value, lookup(old, key), lookup(news, key), lookup(oldInputs, key), inList)
	}
	if !inList {
		return
	}
	// A patch replaces lists as a whole, so what is gone from an element is not in it.
	for key, value := range old {
		if _, present := patch[key]; !present {
			d.value(step(path, key), nil, value, lookup(news, key), lookup(oldInputs, key), inList)
		}
	}
}

func (d *detailer) list(path []any, patch, old, news, oldInputs []any) {
	at := func(list []any, index int) any {
		if index < len(list) {
			return list[index]
		}
		return nil
	}
	for index := range max(len(patch), len(old)) {
		var before any = absent{}
		if index < len(old) {
			before = old[index]
		}
		d.value(step(path, index), at(patch, index), before, at(news, index), at(oldInputs, index), true)
	}
}

func (d *detailer) value(path []any, value, old, news, oldInput any, inList bool) {
	if isAbsent(news) && (value != nil || isAbsent(oldInput)) {
		return
	}
	wasAbsent := isAbsent(old)
	kind := pulumirpc.PropertyDiff_UPDATE
	switch {
	case value == nil && isUnknown(news), isUnknown(value):
		if nested, wasObject := old.(object); wasObject && isUnknown(value) {
			for key := range nested {
				d.add(step(path, key), nil, pulumirpc.PropertyDiff_DELETE)
			}
			return
		}
		if wasAbsent {
			kind = pulumirpc.PropertyDiff_ADD
		}
	case value == nil && wasAbsent:
		return
	case value == nil:
		kind = pulumirpc.PropertyDiff_DELETE
	case wasAbsent:
		kind = pulumirpc.PropertyDiff_ADD
	default:
		if d.nested(path, value, old, news, oldInput, inList) {
			return
		}
	}
	d.add(path, value, kind)
}

// nested goes into values of the same shape, and reports whether that was all there is to say.
func (d *detailer) nested(path []any, value, old, news, oldInput any, inList bool) bool {
	switch value := value.(type) {
	case object:
		if old, same := old.(object); same {
			newObject, _ := news.(object)
			oldObject, _ := oldInput.(object)
			d.object(path, value, old, newObject, oldObject, inList)
			return true
		}
	case []any:
		if old, same := old.([]any); same {
			newList, _ := news.([]any)
			oldList, _ := oldInput.([]any)
			d.list(path, value, old, newList, oldList)
			return true
		}
	}
	return equal(value, old)
}

var replacements = map[pulumirpc.PropertyDiff_Kind]pulumirpc.PropertyDiff_Kind{
	pulumirpc.PropertyDiff_ADD:    pulumirpc.PropertyDiff_ADD_REPLACE,
	pulumirpc.PropertyDiff_DELETE: pulumirpc.PropertyDiff_DELETE_REPLACE,
	pulumirpc.PropertyDiff_UPDATE: pulumirpc.PropertyDiff_UPDATE_REPLACE,
}

func (d *detailer) add(path []any, value any, kind pulumirpc.PropertyDiff_Kind) {
	change := &pulumirpc.PropertyDiff{Kind: kind, InputDiff: kind == pulumirpc.PropertyDiff_DELETE}
	for _, pattern := range d.replacing {
		if touches(pattern, path, value) {
			change.Kind = replacements[kind]
			break
		}
	}
	d.changes[pathText(path)] = change
}

// step is a path with one more part, in memory of its own.
func step(path []any, part any) []any {
	return append(append(make([]any, 0, len(path)+1), path...), part)
}

// pathText writes a path as the engine does: `spec.containers[0].image`, `metadata.labels["a.b/c"]`.
func pathText(path []any) string {
	var result strings.Builder
	for _, part := range path {
		name, isName := part.(string)
		switch {
		case !isName:
			fmt.Fprintf(&result, "[%d]", part)
		case strings.ContainsAny(name, `."[]`):
			fmt.Fprintf(&result, `["%s"]`, strings.ReplaceAll(name, `"`, `\"`))
		default:
			if result.Len() > 0 {
				result.WriteByte('.')
			}
			result.WriteString(name)
		}
	}
	return result.String()
}

// parsePath is the inverse of pathText, as far as a person writes it; `*` stays a part of its own.
func parsePath(path string) []any {
	var parts []any
	for path != "" {
		switch {
		case path[0] == '.':
			path = path[1:]
		case strings.HasPrefix(path, `["`):
			name, rest, _ := strings.Cut(path[2:], `"]`)
			parts, path = append(parts, strings.ReplaceAll(name, `\"`, `"`)), rest
		case path[0] == '[':
			inside, rest, _ := strings.Cut(path[1:], "]")
			var index int
			if _, err := fmt.Sscanf(inside, "%d", &index); err == nil {
				parts = append(parts, index)
			} else {
				parts = append(parts, inside)
			}
			path = rest
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			parts, path = append(parts, path[:end]), path[end:]
		}
	}
	return parts
}

// within reports whether a path is at or below another one, in which `*` matches any part.
func within(path, above []any) bool {
	if len(path) < len(above) {
		return false
	}
	for index, part := range above {
		if part != path[index] && part != "*" {
			return false
		}
	}
	return true
}
