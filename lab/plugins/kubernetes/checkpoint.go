package main

import (
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// What the engine keeps of an object is the object itself, as the server has it, and beside it the inputs that made it
// and the names that later operations need.
const (
	inputsKey            = "__inputs"
	initialAPIVersionKey = "__initialApiVersion"
	fieldManagerKey      = "__fieldManager"
)

// createManager is what the official plugin calls itself when it creates an object.
const createManager = "pulumi-kubernetes"

// dashed are field names of CRDs that no programming language takes as they are: SDKs write them with underscores.
var dashed = map[string]string{
	"x_kubernetes_embedded_resource":       "x-kubernetes-embedded-resource",
	"x_kubernetes_int_or_string":           "x-kubernetes-int-or-string",
	"x_kubernetes_list_map_keys":           "x-kubernetes-list-map-keys",
	"x_kubernetes_list_type":               "x-kubernetes-list-type",
	"x_kubernetes_map_type":                "x-kubernetes-map-type",
	"x_kubernetes_preserve_unknown_fields": "x-kubernetes-preserve-unknown-fields",
	"x_kubernetes_validations":             "x-kubernetes-validations",
}

func toDashes(key string) string {
	if name, special := dashed[key]; special {
		return name
	}
	return key
}

func toUnderscores(key string) string {
	if !strings.HasPrefix(key, "x-kubernetes-") {
		return key
	}
	if name := strings.ReplaceAll(key, "-", "_"); dashed[name] == key {
		return name
	}
	return key
}

// manifest is what Kubernetes is given of a program's properties: no secrets' wrappers, the API's own field names.
func manifest(properties object) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: revealWithKeys(properties, toDashes).(object)}
}

// propertiesOf is the inverse of manifest, without the secrets.
func propertiesOf(item *unstructured.Unstructured) object {
	if item.Object == nil {
		return object{}
	}
	return transform(item.Object, toUnderscores, func(any) (any, bool) { return nil, false }).(object)
}

// record is what the engine keeps. Whatever is secret in `origin`, the properties that the object was made from, is
// secret in the record.
func record(inputs, live *unstructured.Unstructured, origin object, initialAPIVersion, fieldManager string) object {
	kept, keptInputs := propertiesOf(live), propertiesOf(inputs)
	maskMarkers(kept)
	markSecrets(kept, origin)
	markSecrets(keptInputs, origin)
	kept[inputsKey] = keptInputs
	kept[initialAPIVersionKey] = initialAPIVersion
	kept[fieldManagerKey] = fieldManager
	return kept
}

// markers are the names that objects are created under here.
var markers = regexp.MustCompile("^" + createManager + "-[0-9a-f]{8}$")

// maskMarkers shows, as the creator of an object, the name that the official plugin uses. The name in the cluster also
// says for which resource the object was made (see remains).
func maskMarkers(kept object) {
	entries, _ := dig(kept, "metadata", "managedFields").([]any)
	for _, entry := range entries {
		entry, ok := entry.(object)
		if ok && entry["operation"] == "Update" && markers.MatchString(text(entry["manager"])) {
			entry["manager"] = createManager
		}
	}
}

// recalled are the inputs and the live object of a record.
func recalled(kept object) (inputs, live *unstructured.Unstructured) {
	live = manifest(kept)
	inputs = &unstructured.Unstructured{Object: object{}}
	if recorded, ok := live.Object[inputsKey].(object); ok {
		inputs.Object = recorded
	}
	delete(live.Object, inputsKey)
	return inputs, live
}

// markSecrets wraps in `target` whatever holds a secret in `origin`, and the content of every Secret. A list that has a
// secret anywhere becomes secret as a whole, for its elements may come back in another order.
func markSecrets(target, origin object) {
	if target["kind"] == secretKind {
		for _, field := range []string{"data", "stringData"} {
			if value, present := target[field]; present && !isSecret(value) {
				target[field] = secret{value}
			}
		}
	}
	for key, source := range origin {
		value, present := target[key]
		if !present || isSecret(value) {
			continue
		}
		nestedTarget, isObject := value.(object)
		nestedSource, alsoObject := source.(object)
		if isObject && alsoObject {
			markSecrets(nestedTarget, nestedSource)
		} else if contains(source, isSecret) {
			target[key] = secret{value}
		}
	}
}
