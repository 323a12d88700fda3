"""The provider plugin `lab`: what this machine can be asked for by a Pulumi program."""

from __future__ import annotations

from pathlib import Path

from lab.cluster.kind import ClusterKind
from lab.istio.kind import IstiodKind
from lab.istio.ports import PortsKind
from lab.karmada.agent_kind import KarmadaAgentKind
from lab.karmada.kind import KarmadaKind
from lab.karmada.restart import KarmadaRestartKind
from providers.serving import Provider, project_root, serve


def main() -> None:
    """Serve the engine that started this process."""
    root = project_root(Path.cwd())
    serve(
        Provider(
            ClusterKind(root),
            KarmadaKind(root),
            KarmadaRestartKind(root),
            KarmadaAgentKind(root),
            PortsKind(root),
            IstiodKind(root),
        )
    )


if __name__ == "__main__":
    main()
