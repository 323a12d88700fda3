package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
)

// settings is what a program sets on its `kubernetes.Provider`, or the environment instead of it.
type settings struct {
	clientSideApply       bool
	deleteUnreachable     bool
	skipUpdateUnreachable bool
	patchForce            bool
	upsert                bool
	configMapMutable      bool
	secretMutable         bool
	quietHelmHooks        bool
	client                clientSettings
	helm                  helmSettings
}

// clientSettings limits the requests to the API server: QPS and Burst in requests a second, Timeout in seconds.
type clientSettings struct {
	QPS     *float64 `json:"qps"`
	Burst   *int     `json:"burst"`
	Timeout *int     `json:"timeout"`
}

// helmSettings says where Helm keeps its own files.
type helmSettings struct {
	Driver               string `json:"driver"`
	PluginsPath          string `json:"pluginsPath"`
	RegistryConfigPath   string `json:"registryConfigPath"`
	RepositoryCache      string `json:"repositoryCache"`
	RepositoryConfigPath string `json:"repositoryConfigPath"`
}

// readSettings reads the provider's variables, by name; a variable wins over the environment.
func readSettings(variables map[string]string) (settings, error) {
	flag := func(name, environment string) bool {
		value, set := variables[name]
		if !set {
			value = os.Getenv(environment)
		}
		return value == "true"
	}
	serverSideApply, set := variables["enableServerSideApply"]
	if !set {
		serverSideApply, set = os.LookupEnv("PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY")
	}
	result := settings{
		clientSideApply:       set && serverSideApply != "true",
		deleteUnreachable:     flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
		skipUpdateUnreachable: flag("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
		patchForce:            flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
		upsert:                flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
		configMapMutable:      flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
		secretMutable:         flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
		quietHelmHooks:        flag("suppressHelmHookWarnings", "PULUMI_K8S_SUPPRESS_HELM_HOOK_WARNINGS"),
		helm: helmSettings{
			Driver:               os.Getenv("PULUMI_K8S_HELM_DRIVER"),
			PluginsPath:          os.Getenv("PULUMI_K8S_HELM_PLUGINS_PATH"),
			RegistryConfigPath:   os.Getenv("PULUMI_K8S_HELM_REGISTRY_CONFIG_PATH"),
			RepositoryCache:      os.Getenv("PULUMI_K8S_HELM_REPOSITORY_CACHE"),
			RepositoryConfigPath: os.Getenv("PULUMI_K8S_HELM_REPOSITORY_CONFIG_PATH"),
		},
	}
	if err := readJSON(variables, "kubeClientSettings", &result.client); err != nil {
		return settings{}, err
	}
	if err := readJSON(variables, "helmReleaseSettings", &result.helm); err != nil {
		return settings{}, err
	}
	return result, result.client.readEnvironment()
}

func readJSON(variables map[string]string, name string, into any) error {
	if variables[name] == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(variables[name]), into); err != nil {
		return fmt.Errorf("the provider's %s cannot be read: %w", name, err)
	}
	return nil
}

func (c *clientSettings) readEnvironment() error {
	if value := os.Getenv("PULUMI_K8S_CLIENT_QPS"); value != "" && c.QPS == nil {
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("PULUMI_K8S_CLIENT_QPS is not a number: %w", err)
		}
		c.QPS = &number
	}
	for name, field := range map[string]**int{
		"PULUMI_K8S_CLIENT_BURST": &c.Burst, "PULUMI_K8S_CLIENT_TIMEOUT": &c.Timeout,
	} {
		if value := os.Getenv(name); value != "" && *field == nil {
			number, err := strconv.Atoi(value)
			if err != nil {
				return fmt.Errorf("%s is not a whole number: %w", name, err)
			}
			*field = &number
		}
	}
	return nil
}
