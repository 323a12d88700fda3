"""Which tools there are: one toolset a folder with go.mod and go.sum, which pin everything in it to the last byte.

A toolset is what is built together because it shares compiled packages. Versions are read from go.mod and nowhere else
written down, so a pin is changed in one place (`go get -tool <package>@<version>` in the folder).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version as installed_version
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
PLUGINS = TOOLS.parent / "plugins"


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program of a toolset: its name on PATH, its Go package, and the arguments that make it print its version.

    `module` is the required module whose version it prints, where that is not the toolset's.
    """

    name: str
    package: str
    version_arguments: tuple[str, ...] = ("--version",)
    module_name: str = ""
    module: str | None = None

    @property
    def go_name(self) -> str:
        """What `go build` calls the binary: the last part of the package path, or for a module's root of the module."""
        return self.module_name or self.package.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class Files:
    """A folder of the toolset's module that is kept with its programs: its place in the module, and its name then."""

    name: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Toolset:
    """Programs that are built by one `go build` from the module in `folder`, and `files` that come with them.

    `module` is the required module whose version is the toolset's; `None` for a toolset whose source is in this
    repository, which then has the version `own_version`. `release` is another required module that has the version in
    place of `module`. `linker_values` are Go variables set at link time; `{version}` in a value becomes the version
    without its leading `v`. `tags` are Go's build tags.
    """

    name: str
    folder: Path
    module: str | None
    programs: tuple[Program, ...]
    linker_values: tuple[tuple[str, str], ...] = ()
    own_version: str = ""
    files: tuple[Files, ...] = ()
    tags: tuple[str, ...] = ()
    release: str = ""

    @cached_property
    def version(self) -> str:
        """The version with its leading `v`, such as `v1.36.3`."""
        return f"v{self.own_version}" if self.module is None else self._pin(self.release or self.module)

    def version_of(self, program: Program) -> str:
        """The version that a program of the toolset prints, with a leading `v`."""
        return self.version if program.module is None else self._pin(program.module)

    @cached_property
    def go_version(self) -> tuple[int, ...]:
        """The oldest Go that builds this toolset, such as `(1, 26, 0)`."""
        directive = re.search(r"^go (\S+)$", self._go_mod, re.MULTILINE)
        return parse_go_version(directive[1]) if directive else (1,)

    @cached_property
    def digest(self) -> str:
        """The key in the tool cache: it changes with a pin, a source file or a build flag, and with nothing else."""
        content = hashlib.sha256(self.linker_flags.encode())
        for tag in self.tags:
            content.update(f"{tag}\0".encode())
        for each in self.files:
            content.update(f"{each.name}\0{each.path}\0".encode())
        for path in sorted(self.folder.rglob("*")):
            if path.suffix not in {".go", ".mod", ".sum"} or path.name.endswith("_test.go"):
                continue
            content.update(path.relative_to(self.folder).as_posix().encode() + b"\0" + path.read_bytes())
        return content.hexdigest()[:12]

    @property
    def linker_flags(self) -> str:
        """The value of `-ldflags`: no symbol tables, and the versions that the programs report."""
        major, minor, *_ = self.version.removeprefix("v").split(".")
        places = {"version": self.version.removeprefix("v"), "major": major, "minor": minor}
        return " ".join(["-s -w", *(f"-X {name}={value.format(**places)}" for name, value in self.linker_values)])

    def _pin(self, module: str) -> str:
        pin = re.search(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", self._go_mod, re.MULTILINE)
        if pin is None:
            message = f"{self.folder / 'go.mod'} does not pin {module}"
            raise LookupError(message)
        return pin[1]

    @cached_property
    def _go_mod(self) -> str:
        return (self.folder / "go.mod").read_text()


def parse_go_version(text: str) -> tuple[int, ...]:
    """The numbers of a Go version: `go1.26.8` and `1.26.8` are both `(1, 26, 8)`."""
    return tuple(int(number) for number in re.findall(r"\d+", text.removeprefix("go")))


_KUBERNETES_VERSION = "k8s.io/component-base/version"

PULUMI = Toolset(
    name="pulumi",
    folder=TOOLS / "pulumi",
    module="github.com/pulumi/pulumi/pkg/v3",
    programs=(
        Program(name="pulumi", package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", version_arguments=("version",)),
    ),
    linker_values=(("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", "v{version}"),),
)

KUBERNETES = Toolset(
    name="kubernetes",
    folder=TOOLS / "kubernetes",
    module="k8s.io/kubernetes",
    programs=(
        Program(name="kube-apiserver", package="k8s.io/kubernetes/cmd/kube-apiserver"),
        Program(name="kube-controller-manager", package="k8s.io/kubernetes/cmd/kube-controller-manager"),
        Program(name="kube-scheduler", package="k8s.io/kubernetes/cmd/kube-scheduler"),
        Program(name="kubectl", package="k8s.io/kubernetes/cmd/kubectl", version_arguments=("version", "--client")),
        Program(
            name="etcd", package="go.etcd.io/etcd/server/v3", module_name="server", module="go.etcd.io/etcd/server/v3"
        ),
        Program(name="kwok", package="sigs.k8s.io/kwok/cmd/kwok", module="sigs.k8s.io/kwok"),
        Program(name="kwokctl", package="sigs.k8s.io/kwok/cmd/kwokctl", module="sigs.k8s.io/kwok"),
    ),
    linker_values=(
        (f"{_KUBERNETES_VERSION}.gitVersion", "v{version}"),
        (f"{_KUBERNETES_VERSION}.gitMajor", "{major}"),
        (f"{_KUBERNETES_VERSION}.gitMinor", "{minor}"),
        (f"{_KUBERNETES_VERSION}.gitTreeState", "clean"),
    ),
)

_KARMADA_MODULE = "github.com/karmada-io/karmada"

KARMADA = Toolset(
    name="karmada",
    folder=TOOLS / "karmada",
    module=_KARMADA_MODULE,
    programs=tuple(
        Program(
            name=f"karmada-{command}",
            package=f"{_KARMADA_MODULE}/cmd/{command}",
            version_arguments=("version",),
            module_name=command,
        )
        for command in ("agent", "aggregated-apiserver", "controller-manager", "scheduler", "webhook")
    ),
    linker_values=((f"{_KARMADA_MODULE}/pkg/version.gitVersion", "v{version}"),),
    files=(Files(name="karmada-chart", path="charts/karmada"),),
)

HELM = Toolset(
    name="helm",
    folder=TOOLS / "helm",
    module="helm.sh/helm/v3",
    programs=(Program(name="helm", package="helm.sh/helm/v3/cmd/helm", version_arguments=("version", "--short")),),
    linker_values=(("helm.sh/helm/v3/internal/version.version", "v{version}"),),
)

_ISTIO_MODULE = "istio.io/istio"
ISTIO = Toolset(
    name="istio",
    folder=TOOLS / "istio",
    module=_ISTIO_MODULE,
    # Istio's releases are no versions of its module: that is pinned by a commit, and its API tells the release.
    release="istio.io/api",
    programs=tuple(
        Program(
            name=name,
            package=f"{_ISTIO_MODULE}/pilot/cmd/{name}",
            version_arguments=("version", "--short"),
        )
        for name in ("pilot-discovery", "pilot-agent")
    ),
    linker_values=((f"{_ISTIO_MODULE}/pkg/version.buildVersion", "{version}"),),
    files=(
        Files(name="istio-charts", path="manifests/charts"),
        Files(name="istio-bootstrap", path="tools/packaging/common"),
    ),
    # As upstream's Makefile.core.mk: fast marshalling, and no code that nobody calls.
    tags=("vtprotobuf", "disable_pgv"),
)

KUBERNETES_PLUGIN = Toolset(
    name="pulumi-resource-kubernetes",
    folder=PLUGINS / "kubernetes",
    module=None,
    programs=(Program(name="pulumi-resource-kubernetes", package=".", module_name="kubernetes"),),
    own_version=installed_version("pulumi-kubernetes"),
)

TOOLSETS = {toolset.name: toolset for toolset in (PULUMI, KUBERNETES, KARMADA, ISTIO, HELM, KUBERNETES_PLUGIN)}
