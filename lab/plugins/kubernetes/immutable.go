package main

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// identity is what makes an object another one.
var identity = []string{"metadata.name", "metadata.namespace"}

// immutable lists for each kind the fields that the server does not let anybody change: a change replaces the object.
// `*` stands for every element of a list.
var immutable = map[string][]string{
	"apps/DaemonSet":  {"spec.selector"},
	"apps/Deployment": {"spec.selector"},
	"apps/StatefulSet": {
		"spec.podManagementPolicy", "spec.revisionHistoryLimit", "spec.selector", "spec.serviceName",
		"spec.volumeClaimTemplates",
	},
	"batch/Job":              {"spec.completions", "spec.parallelism", "spec.selector", "spec.template"},
	"/ConfigMap":             {"binaryData", "data"},
	"/PersistentVolume":      prefixed("spec.", volumeSources...),
	"/PersistentVolumeClaim": {"spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"},
	"/Pod": append(prefixed("spec.", podFields...),
		append(prefixed("spec.containers.*.", containerFields...),
			prefixed("spec.initContainers.*.", containerFields...)...)...),
	"/ResourceQuota": {"spec.scopes"},
	"/Secret":        {"type", "stringData", "data"},
	"/Service":       {"spec.clusterIP"},
	"rbac.authorization.k8s.io/ClusterRoleBinding": {"roleRef"},
	"rbac.authorization.k8s.io/RoleBinding":        {"roleRef"},
	"storage.k8s.io/StorageClass":                  {"parameters", "provisioner"},
}

var volumeSources = []string{
	"awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker",
	"gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local", "nfs", "photonPersistentDisk", "portworxVolume",
	"quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume",
}

var podFields = []string{
	"affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks", "hostAliases", "hostIPC",
	"hostNetwork", "hostPID", "hostname", "imagePullSecrets", "nodeName", "nodeSelector", "overhead", "preemptionPolicy",
	"priority", "priorityClassName", "readinessGates", "restartPolicy", "runtimeClassName", "schedulerName",
	"securityContext", "serviceAccount", "serviceAccountName", "shareProcessNamespace", "subdomain",
	"terminationGracePeriodSeconds", "volumes",
}

var containerFields = []string{
	"args", "command", "env", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "ports", "readinessProbe",
	"resources", "securityContext", "stdin", "stdinOnce", "terminationMessagePath", "terminationMessagePolicy", "tty",
	"volumeDevices", "volumeMounts", "workingDir",
}

func prefixed(prefix string, names ...string) []string {
	result := make([]string, len(names))
	for index, name := range names {
		result[index] = prefix + name
	}
	return result
}

// replacing are the paths whose change replaces an object. ConfigMaps and Secrets count as immutable unless the provider
// says otherwise, so that a change of theirs gets a new name and rolls out with the workload that reads them.
func (p *provider) replacing(inputs *unstructured.Unstructured) []string {
	kind := inputs.GroupVersionKind()
	if kind.Group == "core" {
		kind.Group = ""
	}
	name := kind.Group + "/" + kind.Kind
	frozen, _ := inputs.Object["immutable"].(bool)
	switch {
	case name == "/ConfigMap" && p.settings.configMapMutable && !frozen:
		return identity
	case name == "/Secret" && p.settings.secretMutable && !frozen:
		return append([]string{"type"}, identity...)
	default:
		return append(append([]string{}, identity...), immutable[name]...)
	}
}

// touches reports whether a change at `path` to `value` changes something below a pattern: the pattern leads to the path
// or past it, or what the change puts there has the rest of the pattern in it.
func touches(pattern string, path []any, value any) bool {
	steps := strings.Split(pattern, ".")
	for len(steps) > 0 && len(path) > 0 {
		_, isIndex := path[0].(int)
		if (isIndex && steps[0] != "*") || (!isIndex && steps[0] != path[0] && steps[0] != "*") {
			return false
		}
		steps, path = steps[1:], path[1:]
	}
	return has(value, steps)
}

func has(value any, steps []string) bool {
	if len(steps) == 0 {
		return true
	}
	switch value := value.(type) {
	case object:
		nested, present := value[steps[0]]
		return present && has(nested, steps[1:])
	case []any:
		for _, element := range value {
			if steps[0] == "*" && has(element, steps[1:]) {
				return true
			}
		}
	}
	return false
}
