package main

import "testing"

func TestWaitForReadsWhatKubectlReads(t *testing.T) {
	live := object{
		"metadata": object{"generation": int64(2)}, "data": object{"color": "blue"},
		"status": object{"observedGeneration": int64(2), "phase": "Bound", "conditions": []any{
			object{"type": "Ready", "status": "True"}, object{"type": "Old", "status": "True", "observedGeneration": int64(1)},
		}},
	}
	for expression, want := range map[string]bool{
		`jsonpath={.status.phase}=Bound`: true, `jsonpath={.status.phase}=Pending`: false, `jsonpath={.none}`: false,
		`jsonpath={.status.conditions[?(@.type=="Ready")].status}=True`: true,
		`condition=Ready`: true, `condition=ready=true`: true, `condition=Ready=False`: false, `condition=None`: false,
		`condition=Old`: false, `["condition=Ready", "jsonpath={.data.color}"]`: true, `["condition=Ready", "condition=Old"]`: false,
	} {
		check, err := parseWaitFor(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got := check(live).done; got != want {
			t.Errorf("%s holds: %v", expression, got)
		}
	}
	for _, expression := range []string{"", "[]", "Ready", "jsonpath=.a", "jsonpath={.a}=", "jsonpath={.a}b", "jsonpath={.a"} {
		if _, err := parseWaitFor(expression); err == nil {
			t.Errorf("%q is taken for something to wait for", expression)
		}
	}
}

func TestNothingCountsBeforeTheControllerHasSeenIt(t *testing.T) {
	stale := object{
		"metadata": object{"generation": int64(2), "annotations": object{revisionAnnotation: "1"}},
		"spec":     object{"replicas": int64(1)},
		"status": object{
			"observedGeneration": int64(1), "replicas": int64(1), "readyReplicas": int64(1), "updatedReplicas": int64(1),
			"availableReplicas": int64(1), "currentReplicas": int64(1), "currentRevision": "r", "updateRevision": "r",
			"conditions": []any{object{"type": "Available", "status": "True"}},
		},
	}
	checks := map[string]func(object) verdict{
		"Deployment": deploymentReady, "StatefulSet": statefulSetReady, "DaemonSet": daemonSetReady,
		"ReplicationController": replicasReady,
	}
	for kind, ready := range checks {
		stale["status"].(object)["observedGeneration"] = int64(1)
		if ready(stale).done {
			t.Errorf("a %s is ready by an old status", kind)
		}
		stale["status"].(object)["observedGeneration"] = int64(2)
		if !ready(stale).done {
			t.Errorf("a %s is not ready: %s", kind, ready(stale).message)
		}
	}
}
