package main

import (
	"reflect"
	"testing"
)

func TestThreeWayUndoesDriftAndLeavesWhatOthersAdded(t *testing.T) {
	oldInputs := object{"values": object{"a": 1.0, "dropped": true}, "name": "n"}
	news := object{"values": object{"a": 1.0, "new": "x"}, "name": "n"}
	live := object{"values": object{"a": 2.0, "dropped": true, "theirs": "y"}, "name": "n", "status": object{}}
	want := object{"values": object{"a": 1.0, "new": "x", "dropped": nil}}
	if got := threeWay(oldInputs, news, live); !reflect.DeepEqual(got, want) {
		t.Errorf("patch is %v, not %v", got, want)
	}
}

func TestResourceNamesGroupsByKindAndVersion(t *testing.T) {
	manifest := "---\n# Source: a\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: ns}\n---\n" +
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n\n---\n" +
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n"
	want := object{"ConfigMap/v1": []any{"a", "ns/b"}, "Deployment.apps/apps/v1": []any{"d"}}
	if got := resourceNames(manifest); !reflect.DeepEqual(got, want) {
		t.Errorf("names are %v, not %v", got, want)
	}
}

func TestDeployFlagsSayWhatTheProgramSays(t *testing.T) {
	release := object{"createNamespace": true, "skipAwait": true, "waitForJobs": true, "maxHistory": 3.0, "disableWebhooks": true}
	if got, want := deployFlags("install", release), []string{"--create-namespace", "--no-hooks"}; !reflect.DeepEqual(got, want) {
		t.Errorf("flags of install are %v, not %v", got, want)
	}
	if got, want := deployFlags("upgrade", release), []string{"--history-max", "3"}; !reflect.DeepEqual(got, want) {
		t.Errorf("flags of upgrade are %v, not %v", got, want)
	}
	if got, want := deployFlags("upgrade", object{}), []string{"--wait", "--history-max", "0"}; !reflect.DeepEqual(got, want) {
		t.Errorf("flags of a plain upgrade are %v, not %v", got, want)
	}
}

func TestSecretsInARepositorysCredentialsStaySecret(t *testing.T) {
	inputs, err := completeRelease(object{
		"chart": "c", "repositoryOpts": object{"repo": "https://r", "password": secret{"p"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	options := inputs["repositoryOpts"].(object)
	if options["password"] != (secret{"p"}) || options["repo"] != "https://r" || options["username"] != "" {
		t.Errorf("options are %v", options)
	}
}
