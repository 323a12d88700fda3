package main

// Pulumi's values as plain Go: maps, slices, strings, bools, float64 (int64 where they come from Kubernetes) and nil,
// with two wrappers for what JSON has no words for. The wire format is the engine's: a secret is an object with a
// signature, an unknown a string that nobody would write.

import (
	"fmt"

	"google.golang.org/protobuf/types/known/structpb"
)

// object is a JSON object, with secrets and unknowns anywhere in it.
type object = map[string]any

// secret is a value that the engine encrypts in its state and hides from its output.
type secret struct{ value any }

// unknown is a value that is only known once something else has been created; sentinel says of which type.
type unknown struct{ sentinel string }

const (
	signatureKey    = "4dabf18193072939515e22adb298388d"
	secretSignature = "1b47061264138c4ac30d75fd1eb44270"
	unknownString   = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
)

var unknownSentinels = map[string]bool{
	unknownString:                          true,
	"1c4a061d-8072-4f0a-a4cb-0ff528b18fe7": true, // bool
	"3eeb2bf0-c639-47a8-9e75-3b44932eb421": true, // number
	"6a19a0b0-7e62-4c92-b797-7f8e31da9cc2": true, // array
	"030794c1-ac77-496b-92df-f27374a8bd58": true, // asset
	"e48ece36-62e2-4504-bad9-02848725956a": true, // archive
	"dd056dcd-154b-4c76-9bd3-c8f88648b5ff": true, // object
}

// decode reads a message's properties; a missing message is an empty object.
func decode(message *structpb.Struct) object {
	result := object{}
	for key, value := range message.GetFields() {
		result[key] = decodeValue(value)
	}
	return result
}

func decodeValue(value *structpb.Value) any {
	switch kind := value.GetKind().(type) {
	case *structpb.Value_BoolValue:
		return kind.BoolValue
	case *structpb.Value_NumberValue:
		return kind.NumberValue
	case *structpb.Value_StringValue:
		if unknownSentinels[kind.StringValue] {
			return unknown{kind.StringValue}
		}
		return kind.StringValue
	case *structpb.Value_ListValue:
		list := make([]any, 0, len(kind.ListValue.GetValues()))
		for _, element := range kind.ListValue.GetValues() {
			list = append(list, decodeValue(element))
		}
		return list
	case *structpb.Value_StructValue:
		fields := kind.StructValue.GetFields()
		if fields[signatureKey].GetStringValue() == secretSignature {
			return secret{decodeValue(fields["value"])}
		}
		return decode(kind.StructValue)
	default:
		return nil
	}
}

// encode is the inverse of decode.
func encode(properties object) *structpb.Struct {
	fields := make(map[string]*structpb.Value, len(properties))
	for key, value := range properties {
		fields[key] = encodeValue(value)
	}
	return &structpb.Struct{Fields: fields}
}

func encodeValue(value any) *structpb.Value {
	switch value := value.(type) {
	case nil:
		return structpb.NewNullValue()
	case bool:
		return structpb.NewBoolValue(value)
	case float64:
		return structpb.NewNumberValue(value)
	case int64:
		return structpb.NewNumberValue(float64(value))
	case string:
		return structpb.NewStringValue(value)
	case unknown:
		return structpb.NewStringValue(value.sentinel)
	case secret:
		return structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
			signatureKey: structpb.NewStringValue(secretSignature),
			"value":      encodeValue(value.value),
		}})
	case []any:
		list := make([]*structpb.Value, len(value))
		for index, element := range value {
			list[index] = encodeValue(element)
		}
		return structpb.NewListValue(&structpb.ListValue{Values: list})
	case object:
		return structpb.NewStructValue(encode(value))
	default:
		panic(fmt.Sprintf("a value of type %T has no form on the wire", value))
	}
}

// transform copies a value, with each object key replaced and each value that `replace` claims replaced by its answer.
func transform(value any, key func(string) string, replace func(any) (any, bool)) any {
	if replaced, claimed := replace(value); claimed {
		return replaced
	}
	switch value := value.(type) {
	case object:
		result := make(object, len(value))
		for name, element := range value {
			result[key(name)] = transform(element, key, replace)
		}
		return result
	case []any:
		result := make([]any, len(value))
		for index, element := range value {
			result[index] = transform(element, key, replace)
		}
		return result
	default:
		return value
	}
}

func sameKey(key string) string { return key }

// reveal copies a value without the wrappers of its secrets; unknowns stay.
func reveal(value any) any {
	return revealWithKeys(value, sameKey)
}

func revealWithKeys(value any, key func(string) string) any {
	return transform(value, key, func(value any) (any, bool) {
		if wrapped, ok := value.(secret); ok {
			return revealWithKeys(wrapped.value, key), true
		}
		return nil, false
	})
}

// contains reports whether a value has an element, at any depth and within secrets, for which `is` holds.
func contains(value any, is func(any) bool) bool {
	if is(value) {
		return true
	}
	switch value := value.(type) {
	case secret:
		return contains(value.value, is)
	case object:
		for _, element := range value {
			if contains(element, is) {
				return true
			}
		}
	case []any:
		for _, element := range value {
			if contains(element, is) {
				return true
			}
		}
	}
	return false
}

func hasUnknown(value any) bool { return contains(value, isUnknown) }

func isUnknown(value any) bool { _, ok := value.(unknown); return ok }

func isSecret(value any) bool { _, ok := value.(secret); return ok }

// dig follows keys into nested objects; nil when there is nothing.
func dig(value any, keys ...string) any {
	for _, key := range keys {
		nested, ok := value.(object)
		if !ok {
			return nil
		}
		value = nested[key]
	}
	return value
}

// text is a value as a string, or empty when it is none.
func text(value any) string {
	result, _ := value.(string)
	return result
}

// integer is a value as a whole number, or 0 when it is none.
func integer(value any) int64 {
	switch value := value.(type) {
	case int64:
		return value
	case float64:
		return int64(value)
	default:
		return 0
	}
}
