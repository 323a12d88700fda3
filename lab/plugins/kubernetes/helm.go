package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

// errNoHelm is what a release needs and is not there.
var errNoHelm = errors.New("a Helm release needs the program `helm` (version 3), which is not on PATH: install it, " +
	"or have `./fleet` build it and use `eval \"$(./fleet env)\"`")

// helmRun is a folder of its own for one call of Helm: credentials reach Helm in files that only their owner can read,
// never on a command line.
type helmRun struct {
	provider *provider
	program  string
	folder   string
	extra    []string
}

// withHelm runs `use` with a folder that is gone afterwards.
func (p *provider) withHelm(use func(*helmRun) error) error {
	program, err := exec.LookPath("helm")
	if err != nil {
		return errNoHelm
	}
	folder, err := os.MkdirTemp("", "pulumi-helm-") // 0700
	if err != nil {
		return fmt.Errorf("no room for Helm's files: %w", err)
	}
	defer os.RemoveAll(folder)
	return use(&helmRun{provider: p, program: program, folder: folder})
}

// run calls Helm with the cluster's kubeconfig and gives back what it printed.
func (h *helmRun) run(input []byte, arguments ...string) ([]byte, error) {
	kubeconfig, err := h.kubeconfig()
	if err != nil {
		return nil, err
	}
	return h.call(input, append(os.Environ(), "KUBECONFIG="+kubeconfig), arguments...)
}

func (h *helmRun) call(input []byte, environment []string, arguments ...string) ([]byte, error) {
	settings := h.provider.settings.helm
	for name, value := range map[string]string{
		"HELM_DRIVER": settings.Driver, "HELM_PLUGINS": settings.PluginsPath,
		"HELM_REGISTRY_CONFIG": settings.RegistryConfigPath, "HELM_REPOSITORY_CACHE": settings.RepositoryCache,
		"HELM_REPOSITORY_CONFIG": settings.RepositoryConfigPath,
	} {
		if value != "" {
			environment = append(environment, name+"="+value)
		}
	}
	// A cancelled command is asked to stop, so that an atomic release can be rolled back.
	command := exec.CommandContext(h.provider.waiting, h.program, arguments...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.Env = append(environment, h.extra...)
	command.Stdin = bytes.NewReader(input)
	var output, problems bytes.Buffer
	command.Stdout, command.Stderr = &output, &problems
	if err := command.Run(); err != nil {
		message := strings.TrimSpace(strings.TrimPrefix(lastError(problems.String()), "Error: "))
		if h.provider.waiting.Err() != nil {
			message = "cancelled: " + message
		}
		return output.Bytes(), fmt.Errorf("helm %s: %s", arguments[0], orElse(message, err.Error()))
	}
	return output.Bytes(), nil
}

// lastError is the part of Helm's complaints that says what is wrong, without the warnings before it.
func lastError(problems string) string {
	if at := strings.LastIndex(problems, "Error: "); at >= 0 {
		return problems[at:]
	}
	return problems
}

func orElse(message, otherwise string) string {
	if message == "" {
		return otherwise
	}
	return message
}

// kubeconfig writes the kubeconfig of the provider's cluster, with nothing but its active context.
func (h *helmRun) kubeconfig() (string, error) {
	path := filepath.Join(h.folder, "kubeconfig")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	c := h.provider.cluster
	if c.unusable != nil {
		return "", c.unusable
	}
	active, err := c.active()
	if err != nil {
		return "", err
	}
	if err := clientcmd.WriteToFile(*active, path); err != nil {
		return "", fmt.Errorf("the kubeconfig for Helm cannot be written: %w", err)
	}
	return path, os.Chmod(path, 0o600)
}

// chart is how Helm finds a release's chart: the reference and the flags that go with it. Credentials of a repository
// are handed to Helm on its standard input first.
func (h *helmRun) chart(release object) (string, []string, error) {
	chart := strings.TrimSpace(text(release["chart"]))
	options, _ := release["repositoryOpts"].(object)
	var flags []string
	version := strings.TrimSpace(text(release["version"]))
	if version == "" && release["devel"] == true {
		version = ">0.0.0-0"
	}
	flags = appendFlag(flags, "--version", version)
	flags = appendFlag(flags, "--keyring", text(release["keyring"]))
	if release["verify"] == true {
		flags = append(flags, "--verify")
	}
	transport := []string{}
	transport = appendFlag(transport, "--ca-file", text(options["caFile"]))
	transport = appendFlag(transport, "--cert-file", text(options["certFile"]))
	transport = appendFlag(transport, "--key-file", text(options["keyFile"]))
	repository, user, password := text(options["repo"]), text(options["username"]), text(options["password"])
	isOCI := strings.HasPrefix(chart, "oci://")
	if isOCI && password != "" {
		if err := h.login(chart, user, password, transport); err != nil {
			return "", nil, err
		}
		return chart, append(flags, transport...), nil
	}
	_, notURL := url.ParseRequestURI(repository)
	switch {
	case isOCI || repository == "":
	case notURL != nil:
		if !strings.Contains(chart, "/") {
			chart = repository + "/" + chart
		}
	case password != "":
		if err := h.addRepository(repository, user, password, transport); err != nil {
			return "", nil, err
		}
		return "release/" + chart, flags, nil
	default:
		flags = append(flags, "--repo", repository)
	}
	return chart, append(flags, transport...), nil
}

func appendFlag(flags []string, name, value string) []string {
	if value == "" {
		return flags
	}
	return append(flags, name, value)
}

// login gives Helm the credentials of a registry, for this run only.
func (h *helmRun) login(chart, user, password string, transport []string) error {
	h.extra = append(h.extra, "HELM_REGISTRY_CONFIG="+filepath.Join(h.folder, "registry.json"))
	host, _, _ := strings.Cut(strings.TrimPrefix(chart, "oci://"), "/")
	arguments := append([]string{"registry", "login", host, "--username", user, "--password-stdin"}, transport...)
	_, err := h.call([]byte(password), os.Environ(), arguments...)
	return err
}

// addRepository makes a repository with credentials known to Helm as `release`, for this run only.
func (h *helmRun) addRepository(repository, user, password string, transport []string) error {
	h.extra = append(h.extra,
		"HELM_REPOSITORY_CONFIG="+filepath.Join(h.folder, "repositories.yaml"),
		"HELM_REPOSITORY_CACHE="+filepath.Join(h.folder, "cache"))
	arguments := append([]string{"repo", "add", "release", repository, "--username", user, "--password-stdin"},
		transport...)
	_, err := h.call([]byte(password), os.Environ(), arguments...)
	return err
}

// metadata reads what the chart is: from its folder, or by Helm, which fetches it.
func (p *provider) metadata(release object) (chartMetadata, error) {
	var metadata chartMetadata
	content, err := os.ReadFile(filepath.Join(text(release["chart"]), "Chart.yaml"))
	if err == nil && dig(release["repositoryOpts"], "repo") == nil {
		if _, err := exec.LookPath("helm"); err != nil {
			return metadata, errNoHelm
		}
	} else {
		err = p.withHelm(func(h *helmRun) error {
			chart, flags, err := h.chart(release)
			if err == nil {
				content, err = h.call(nil, os.Environ(), append([]string{"show", "chart", chart}, flags...)...)
			}
			return err
		})
		if err != nil {
			return metadata, err
		}
	}
	if err := yaml.Unmarshal(content, &metadata); err != nil {
		return metadata, fmt.Errorf("the chart's Chart.yaml cannot be read: %w", err)
	}
	return metadata, nil
}

// status reads a release from the cluster; nil when there is none of that name.
func (p *provider) status(namespace, name string) (*installed, error) {
	var live *installed
	err := p.withHelm(func(h *helmRun) error {
		output, err := h.run(nil, "status", name, "--namespace", namespace, "--output", "json")
		if err != nil && strings.Contains(err.Error(), "release: not found") {
			return nil
		}
		if err != nil {
			return err
		}
		live = &installed{}
		if err := json.Unmarshal(output, live); err != nil {
			return fmt.Errorf("what Helm says of the release %s/%s cannot be read: %w", namespace, name, err)
		}
		if live.Chart.Metadata.Name != "" {
			return nil
		}
		output, err = h.run(nil, "get", "metadata", name, "--namespace", namespace, "--output", "json")
		if err != nil {
			return err
		}
		var metadata struct {
			Chart      string `json:"chart"`
			Version    string `json:"version"`
			AppVersion string `json:"appVersion"`
		}
		live.Chart.Metadata = chartMetadata{}
		if err := json.Unmarshal(output, &metadata); err != nil {
			return fmt.Errorf("what Helm says of the release %s/%s cannot be read: %w", namespace, name, err)
		}
		live.Chart.Metadata = chartMetadata{metadata.Chart, metadata.Version, metadata.AppVersion}
		return nil
	})
	return live, err
}

// deploy installs or upgrades a release and reads what came of it.
func (p *provider) deploy(verb string, release object, seconds float64) (*installed, error) {
	live := &installed{}
	err := p.withHelm(func(h *helmRun) error {
		chart, flags, err := h.chart(release)
		if err != nil {
			return err
		}
		values, err := json.Marshal(release["values"])
		if err != nil {
			return fmt.Errorf("the values are no JSON: %w", err)
		}
		if verb == "upgrade" && release["lint"] == true {
			if _, err := h.call(values, os.Environ(), "lint", chart, "--values", "-"); err != nil {
				return err
			}
		}
		arguments := []string{verb, text(release["name"]), chart, "--namespace", text(release["namespace"]),
			"--values", "-", "--output", "json", "--timeout", helmTimeout(release, seconds)}
		arguments = append(append(arguments, deployFlags(verb, release)...), flags...)
		output, err := h.run(values, arguments...)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(output, live); err != nil {
			return fmt.Errorf("what Helm says of the release cannot be read: %w", err)
		}
		return nil
	})
	return live, err
}

func helmTimeout(release object, seconds float64) string {
	if seconds == 0 {
		seconds = float64(integer(release["timeout"]))
	}
	if seconds == 0 {
		seconds = releaseSeconds
	}
	return strconv.FormatFloat(seconds, 'f', -1, 64) + "s"
}

// deployFlags are the flags of `helm install` and `helm upgrade` that follow from a release's inputs.
func deployFlags(verb string, release object) []string {
	var flags []string
	add := func(wanted bool, flag string) {
		if wanted {
			flags = append(flags, flag)
		}
	}
	is := func(field string) bool { return release[field] == true }
	waits := !is("skipAwait")
	add(waits, "--wait")
	add(waits && is("waitForJobs"), "--wait-for-jobs")
	add(is("atomic"), "--atomic")
	add(is("devel") && text(release["version"]) == "", "--devel")
	add(is("dependencyUpdate"), "--dependency-update")
	add(is("renderSubchartNotes"), "--render-subchart-notes")
	add(is("skipCrds"), "--skip-crds")
	add(is("disableOpenapiValidation"), "--disable-openapi-validation")
	flags = appendFlag(flags, "--description", text(release["description"]))
	flags = appendFlag(flags, "--post-renderer", text(release["postrender"]))
	if verb == "install" {
		add(is("createNamespace"), "--create-namespace")
		add(is("replace"), "--replace")
		add(is("disableWebhooks"), "--no-hooks")
		return flags
	}
	add(is("disableCRDHooks"), "--no-hooks")
	add(is("forceUpdate"), "--force")
	add(is("resetValues"), "--reset-values")
	add(is("reuseValues"), "--reuse-values")
	add(is("cleanupOnFail"), "--cleanup-on-fail")
	limit := "0"
	if given := release["maxHistory"]; given != nil {
		limit = strconv.FormatInt(integer(given), 10)
	}
	return append(flags, "--history-max", limit)
}

// uninstall removes a release and gives back what Helm has to say about what it left.
func (p *provider) uninstall(release object, seconds float64) (string, error) {
	var remark string
	err := p.withHelm(func(h *helmRun) error {
		arguments := []string{"uninstall", text(release["name"]), "--namespace", text(release["namespace"]),
			"--ignore-not-found", "--timeout", helmTimeout(release, seconds)}
		if release["atomic"] == true || release["skipAwait"] != true {
			arguments = append(arguments, "--wait")
		}
		output, err := h.run(nil, arguments...)
		for _, line := range strings.Split(string(output), "\n") {
			if line != "" && !strings.HasPrefix(line, "release ") {
				remark += line + "\n"
			}
		}
		return err
	})
	return remark, err
}

func sortedNames(names map[string]bool) []any {
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted)
	result := make([]any, len(sorted))
	for index, name := range sorted {
		result[index] = name
	}
	return result
}
