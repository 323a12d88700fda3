package main

import (
	"encoding/base64"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// readOnly are the fields of metadata that only the server sets.
var readOnly = []string{
	"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
	"resourceVersion", "uid",
}

// normalize brings inputs into the form in which the server keeps them (`1000m` CPU is `1`, stringData is data), so that
// different ways to say the same make no difference. Objects that are not fully known, and custom ones, stay as they are.
func normalize(item *unstructured.Unstructured) *unstructured.Unstructured {
	if isBuiltIn(item.GroupVersionKind().GroupVersion()) && !hasUnknown(item.Object) {
		switch {
		case isDefinition(item):
			normalizeDefinition(item.Object)
		case isSecretObject(item):
			normalizeSecret(item.Object)
		default:
			item = &unstructured.Unstructured{Object: prune(typed(item), item.Object)}
		}
	}
	for _, field := range readOnly {
		unstructured.RemoveNestedField(item.Object, "metadata", field)
	}
	return item
}

// typed sends an object through its Go type and back, and gives it back as it is where it does not fit: the server says
// better what is wrong with it.
func typed(item *unstructured.Unstructured) object {
	kind, err := scheme.Scheme.New(item.GroupVersionKind())
	if err != nil {
		return item.Object
	}
	converter := runtime.DefaultUnstructuredConverter
	if err := converter.FromUnstructured(item.Object, kind); err != nil {
		return item.Object
	}
	result, err := converter.ToUnstructured(kind)
	if err != nil {
		return item.Object
	}
	return result
}

// normalizeDefinition drops from a CRD what the server drops.
func normalizeDefinition(definition object) {
	spec, _ := definition["spec"].(object)
	if preserve, set := spec["preserveUnknownFields"].(bool); set && !preserve {
		delete(spec, "preserveUnknownFields")
	}
	delete(definition, "status")
}

// normalizeSecret moves a Secret's stringData into its data, and writes base64 in its canonical form.
func normalizeSecret(item object) {
	data, _ := item["data"].(object)
	for key, value := range data {
		if content, err := base64.StdEncoding.DecodeString(text(value)); err == nil && text(value) != "" {
			data[key] = base64.StdEncoding.EncodeToString(content)
		}
	}
	plain, _ := item["stringData"].(object)
	for _, value := range plain {
		if _, isText := value.(string); !isText {
			return
		}
	}
	if len(plain) == 0 {
		return
	}
	if data == nil {
		data = object{}
		item["data"] = data
	}
	for key, value := range plain {
		data[key] = base64.StdEncoding.EncodeToString([]byte(text(value)))
	}
	delete(item, "stringData")
}

// prune keeps of a live object what has a place in `shape`: what the program has a say in. Values of another type than
// the shape's, and new elements of lists of scalars, are kept whole.
func prune(live, shape object) object {
	if live == nil || shape == nil {
		return nil
	}
	result := object{}
	for key, value := range live {
		if wanted, present := shape[key]; present {
			result[key] = pruneValue(value, wanted)
		}
	}
	return result
}

func pruneValue(value, shape any) any {
	switch value := value.(type) {
	case object:
		if nested, same := shape.(object); same {
			return prune(value, nested)
		}
	case []any:
		if list, same := shape.([]any); same {
			return pruneList(value, list)
		}
	}
	return value
}

// pruneList keeps as many elements as the shape has. Lists are compared by position, as the program wrote them.
func pruneList(live, shape []any) []any {
	result := make([]any, 0, len(shape))
	for index := range min(len(live), len(shape)) {
		result = append(result, pruneValue(live[index], shape[index]))
	}
	return result
}
