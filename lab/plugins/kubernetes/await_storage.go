package main

// volumeReady holds when a volume can be claimed or has been.
func volumeReady(live object) verdict {
	phase := text(dig(live, "status", "phase"))
	return doneWhen(phase == "Available" || phase == "Bound", "Waiting for the volume to be available")
}

// claimReady holds when a claim has its volume, or may have to wait for a pod to get one.
func claimReady(live object) verdict {
	phase := text(dig(live, "status", "phase"))
	return doneWhen(phase == "Bound" || phase == "Pending", "Waiting for the claim to be bound")
}

// claimSettled lets a claim pend whose storage class binds when the first pod uses it.
func claimSettled(w *wait) verdict {
	if text(dig(w.live.Object, "status", "phase")) == "Bound" {
		return doneWhen(true, "")
	}
	class := text(dig(w.live.Object, "spec", "storageClassName"))
	if class == "" {
		return doneWhen(false, "Waiting for the claim to be bound; it names no storage class")
	}
	found := w.related("storage.k8s.io", "v1", "StorageClass", "", class)
	return doneWhen(text(found["volumeBindingMode"]) == "WaitForFirstConsumer", "Waiting for the claim to be bound")
}

// quotaReady holds when the quota's controller enforces what is asked for.
func quotaReady(live object) verdict {
	return doneWhen(equal(orEmpty(dig(live, "spec", "hard")), orEmpty(dig(live, "status", "hard"))),
		"Waiting for the quota to be enforced")
}

func orEmpty(value any) object {
	result, _ := value.(object)
	if result == nil {
		return object{}
	}
	return result
}

// tokenReady holds when a service account's token has been filled in; other Secrets are ready as they are.
func tokenReady(live object) verdict {
	return doneWhen(text(live["type"]) != "kubernetes.io/service-account-token" || len(orEmpty(live["data"])) > 0,
		"Waiting for the service account's token")
}
