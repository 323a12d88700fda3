package main

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

const (
	secretKind     = "Secret"
	releaseType    = "kubernetes:helm.sh/v3:Release"
	definitionKind = "CustomResourceDefinition"
)

// clusterScoped holds the built-in kinds that live in no namespace.
var clusterScoped = set(
	"APIService", "AuditSink", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterCIDR", "ClusterRole",
	"ClusterRoleBinding", "ClusterTrustBundle", "ComponentStatus", definitionKind, "DeviceClass", "DeviceTaintRule",
	"FlowSchema", "IPAddress", "IngressClass", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
	"MutatingWebhookConfiguration", "Namespace", "Node", "PersistentVolume", "PodSecurityPolicy", "PriorityClass",
	"PriorityLevelConfiguration", "ResourceClass", "ResourceSlice", "RuntimeClass", "SelfSubjectAccessReview",
	"SelfSubjectReview", "SelfSubjectRulesReview", "ServiceCIDR", "StorageClass", "StorageVersion",
	"StorageVersionMigration", "SubjectAccessReview", "TokenReview", "ValidatingAdmissionPolicy",
	"ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration", "VolumeAttachment", "VolumeAttributesClass",
)

func set(names ...string) map[string]bool {
	result := make(map[string]bool, len(names))
	for _, name := range names {
		result[name] = true
	}
	return result
}

// isBuiltIn holds for what Kubernetes itself defines, as opposed to a CRD.
func isBuiltIn(version schema.GroupVersion) bool {
	switch version.Group {
	case "core":
		return true
	case "apiextensions.k8s.io", "apiregistration.k8s.io", "extensions":
		return true
	default:
		return scheme.Scheme.IsVersionRegistered(version)
	}
}

// isPatch holds for a resource such as NamespacePatch, which owns some fields of an object and not the object. A custom
// resource of a kind that merely ends so is none.
func isPatch(urn, kind string) bool {
	parts := strings.Split(urnType(urn), ":")
	return kind+"Patch" == parts[len(parts)-1]
}

// isList holds for the built-in list types, such as ConfigMapList.
func isList(urn string) bool {
	kind, err := kindOfType(urnType(urn))
	return err == nil && strings.HasSuffix(kind.Kind, "List") && isBuiltIn(kind.GroupVersion())
}

func isDefinition(item *unstructured.Unstructured) bool {
	return item.GetKind() == definitionKind && strings.HasPrefix(item.GetAPIVersion(), "apiextensions.k8s.io/")
}

func isSecretObject(item *unstructured.Unstructured) bool {
	return item.GetKind() == secretKind && item.GetAPIVersion() == "v1"
}

// kindOfType reads a type such as `kubernetes:apps/v1:Deployment`.
func kindOfType(token string) (schema.GroupVersionKind, error) {
	parts := strings.Split(token, ":")
	if len(parts) != 3 || parts[0] != "kubernetes" || parts[2] == "" {
		return schema.GroupVersionKind{}, fmt.Errorf("%q is no type of Kubernetes", token)
	}
	group, version, found := strings.Cut(parts[1], "/")
	if !found {
		return schema.GroupVersionKind{}, fmt.Errorf("%q names no group and version", token)
	}
	if group == "core" {
		group = ""
	}
	return schema.GroupVersionKind{Group: group, Version: version, Kind: parts[2]}, nil
}
