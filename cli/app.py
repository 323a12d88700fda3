"""The commands of `./fleet`, one function each; what they do is in the modules they call."""

from __future__ import annotations

import shlex
import sys
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from cli import kubeconfig, suite
from cli.pulumi import Pulumi
from cli.setup import prepare
from cli.workspace import Workspace
from lab.tools.build import BuildError
from stacks.settings import SettingsError, from_file

app = typer.Typer(
    help="Kubernetes in several regions, as one fleet.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
mesh_app = typer.Typer(help="What the mesh is doing.", no_args_is_help=True)
app.add_typer(mesh_app, name="mesh")
console = Console(stderr=True, highlight=False)

Stack = Annotated[str, typer.Argument(help="The stack: stacks/Pulumi.<stack>.yaml.", show_default=True)]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write here (mode 0600) instead of printing.")]


@app.command()
def up(
    stack: Stack = "lab",
    *,
    refresh: Annotated[bool, typer.Option(help="Look for drift first, and mend it.")] = False,
) -> None:
    """Set up what is missing, make the fleet what its settings say, and show it."""
    pulumi = _ready(stack)
    pulumi.take_over(console)
    Thread(target=import_module, args=["cli.health"], daemon=True).start()  # a second of work, while Pulumi waits
    status = pulumi.run("up", "--yes", "--skip-preview", "--suppress-outputs", *(["--refresh"] if refresh else []))
    if status != 0:
        raise typer.Exit(status)
    _show_health(stack, pulumi)


@app.command()
def preview(stack: Stack = "lab") -> None:
    """Show what `up` would do."""
    raise typer.Exit(_ready(stack).run("preview"))


@app.command()
def check(
    stack: Stack = "lab",
    *,
    state: Annotated[bool, typer.Option("--state", help="Look at the saved state, not at a preview.")] = False,
    sarif: Annotated[Path | None, typer.Option(help="Write the violations here as SARIF, for code hosts.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the violations here as JUnit, for CI.")] = None,
) -> None:
    """Hold the stack against the policies; fails if it breaks a mandatory one."""
    from cli import check as checking  # noqa: PLC0415 - the policies are of no use to other commands

    workspace = Workspace(stack=stack)
    pulumi = _ready(stack)
    try:
        found = checking.check(pulumi, workspace, from_file(workspace.settings_file).environment, state=state)
    except RuntimeError as error:
        _fail(str(error))
    checking.write(found, workspace, sarif, junit)
    checking.show(found, Console(highlight=False))
    if checking.is_refused(found):
        raise typer.Exit(1)


@app.command()
def down(stack: Stack = "lab") -> None:
    """Destroy the stack, and leave no process, port or file of it behind."""
    workspace = Workspace(stack=stack)
    pulumi = _ready(stack)
    pulumi.take_over(console)
    status = pulumi.run("destroy", "--yes", "--skip-preview")
    if status != 0:
        raise typer.Exit(status)
    pulumi.remove_stack()
    workspace.remove_stack_files()


@app.command()
def status(stack: Stack = "lab") -> None:
    """Show the fleet's health as its API servers tell it; fails if a cluster is not well."""
    if not _show_health(stack, _existing(stack)):
        raise typer.Exit(1)


@mesh_app.command(name="status")
def mesh_status(stack: Stack = "lab") -> None:
    """Show whom each region's control plane knows, its certificates and its gateways; fails if something is amiss."""
    from cli import mesh_status as mesh  # noqa: PLC0415 - the Kubernetes client takes half a second

    regions = mesh.look(_existing(stack).outputs())
    if not regions:
        _fail(f"the stack {stack} has no mesh: fleet:mesh.enabled is false in its file")
    out = Console(highlight=False)
    out.print(mesh.table(stack, regions))
    for problem in mesh.problems(regions):
        out.print(f"[red]{escape(problem)}[/]", soft_wrap=True)
    if mesh.problems(regions):
        raise typer.Exit(1)


@app.command(name="kubeconfig")
def print_kubeconfig(stack: Stack = "lab", output: Output = None) -> None:
    """Print one kubeconfig with a context for each cluster."""
    content = kubeconfig.merge(_existing(stack).outputs().get("kubeconfigs", {}))
    if output is None:
        sys.stdout.write(content)
    else:
        kubeconfig.write(output, content)


@app.command()
def env(stack: Stack = "lab") -> None:
    """Print the shell variables with which plain `pulumi` works here: eval "$(./fleet env)"."""
    for name, value in Workspace(stack=stack).variables().items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


@app.command(name="test")
def run_tests(
    arguments: Annotated[list[str] | None, typer.Argument(help="Passed on to pytest.")] = None,
    *,
    complete: Annotated[bool, typer.Option(help="Fail if anything has to be left out.")] = False,
) -> None:
    """Run every check and test that this machine can run, and name what it cannot."""
    raise typer.Exit(suite.run(arguments or [], console, complete=complete))


@app.command()
def bench(  # noqa: PLR0913 - an argument for each option
    *,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the results here, as JSON.")] = None,
    runs: Annotated[int, typer.Option(help="How often `up` of the lab is measured; 0 leaves it out.", min=0)] = 3,
    objects: Annotated[
        int,
        typer.Option(
            help="Objects by which Karmada and the mesh are measured, and a failover; 0 leaves them out.", min=0
        ),
    ] = 100,
    tenants: Annotated[str, typer.Option(help="Sizes of the tenant sweep; '' leaves it out.")] = "25,50,100,200",
    direct: Annotated[
        bool, typer.Option("--direct", help="Sweep once more without federation: Pulumi itself delivers.")
    ] = False,
    state_once: Annotated[
        bool, typer.Option("--state-once", help="Sweep without federation, with the state written only at the end.")
    ] = False,
) -> None:
    """Measure the lab on this machine: `up` beside its targets, growth with the tenants, and where the time goes."""
    from tests.benchmarks import Plan, run  # noqa: PLC0415 - a heavy import that no other command needs

    sizes = [int(size) if size.isdecimal() else 0 for size in tenants.split(",") if size]
    if sizes != sorted(set(sizes)) or not all(sizes):
        _fail(f"--tenants should be numbers that grow, such as 25,50,100, is {tenants}")
    plan = Plan(runs=runs, objects=objects, tenants=sizes, direct=direct, state_once=state_once)
    run(Workspace(stack="lab"), console, output, plan)


def _ready(stack: str) -> Pulumi:
    """The stack's Pulumi with everything set up, once its settings are known to be right."""
    workspace = Workspace(stack=stack)
    if not workspace.settings_file.exists():
        known = sorted(file.name.split(".")[1] for file in workspace.settings_file.parent.glob("Pulumi.*.yaml"))
        _fail(f"there is no stack {stack!r}: stacks/ has {', '.join(known)}")
    try:
        from_file(workspace.settings_file)
    except SettingsError as error:
        _fail(*error.errors)
    try:
        return prepare(workspace, console)
    except (BuildError, RuntimeError, OSError) as error:
        _fail(str(error))


def _existing(stack: str) -> Pulumi:
    """The stack's Pulumi, once it is known to be there."""
    pulumi = Pulumi(Workspace(stack=stack))
    if not pulumi.is_set_up() or not pulumi.has_stack():
        _fail(f"the stack {stack} is not up: run ./fleet up {stack}")
    return pulumi


def _show_health(stack: str, pulumi: Pulumi) -> bool:
    from cli import health  # noqa: PLC0415 - the Kubernetes client takes half a second that other commands need not wait

    clusters = health.look(pulumi.outputs())
    out = Console(highlight=False)
    out.print(health.table(stack, clusters))
    out.print(f"To reach it: ./fleet kubeconfig {stack} -o F; kubectl --kubeconfig F --context …", soft_wrap=True)
    for problem in health.problems(clusters):
        out.print(f"[red]{escape(problem)}[/]", soft_wrap=True)
    return all(cluster.problem is None for cluster in clusters)


def _fail(*lines: str) -> NoReturn:
    for line in lines:
        console.print(f"[red]error:[/] {escape(line)}", soft_wrap=True)
    raise typer.Exit(2)
