"""Holds a stack against the policies: what `./fleet check` does."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from cli.bootstrap import bootstrap
from cli.pulumi import Pulumi
from cli.workspace import Workspace
from policies.catalogue import RULES
from policies.reports import MANDATORY, Violation, completed, errors, junit, sarif, violations

_USUAL = "default"


def configuration(workspace: Workspace, environment: str) -> Path:
    """Return the file with an environment's levels, parameters and exemptions; what has none is held to the usual."""
    folder = workspace.root / "policies" / "config"
    own = folder / f"{environment}.json"
    return own if own.exists() else folder / f"{_USUAL}.json"


def check(pulumi: Pulumi, workspace: Workspace, environment: str, *, state: bool) -> list[Violation]:
    """Return what the policies find in a preview of the workspace's stack, or with `state` in its saved state.

    Raises `RuntimeError` with what the engine said, if the policies were not all asked.
    """
    pack = workspace.root / "policies"
    bootstrap(pack)
    what = ("policy", "analyze") if state else ("preview",)
    pack_arguments = ("--policy-pack", str(pack), "--policy-pack-config", str(configuration(workspace, environment)))
    answer = pulumi.answer(
        *what, "--json", "--non-interactive", *pack_arguments, PULUMI_ENABLE_STREAMING_JSON_PREVIEW="true"
    )
    events = answer.stdout.splitlines()
    found, wrong = violations(events, RULES), errors(events)
    if wrong or not completed(events) or (answer.returncode != 0 and not is_refused(found)):
        said = "\n".join(wrong) or answer.stderr.strip() or "the engine gave no answer"
        raise RuntimeError(f"the policies could not be asked: {said}")
    return found


def is_refused(found: list[Violation]) -> bool:
    """Whether a violation is of a mandatory policy."""
    return any(each.level == MANDATORY for each in found)


def show(found: list[Violation], console: Console) -> None:
    """Print the violations by policy: what is to hold, where it does not and why, and how to mend it."""
    rules = {rule.name: rule for rule in RULES}
    for name, group in groupby(found, key=lambda each: each.policy):
        each_of_it = list(group)
        colour = "red" if is_refused(each_of_it) else "yellow"
        console.print(f"[{colour}]{name}[/] ({each_of_it[0].level}): {escape(rules[name].title)}", soft_wrap=True)
        for each in each_of_it:
            console.print(f"  {escape(each.resource)}: {escape(each.why)}", soft_wrap=True)
        console.print(f"  To mend it: {escape(rules[name].mend)}", soft_wrap=True)
    mandatory = sum(each.level == MANDATORY for each in found)
    console.print(f"{len(RULES)} policies: {mandatory} mandatory violations, {len(found) - mandatory} advisory.")


def write(found: list[Violation], workspace: Workspace, sarif_file: Path | None, junit_file: Path | None) -> None:
    """Write the reports that are asked for."""
    if sarif_file is not None:
        settings = os.path.relpath(workspace.settings_file, workspace.root)
        sarif_file.write_text(sarif(found, RULES, settings), encoding="utf-8")
    if junit_file is not None:
        junit_file.write_text(junit(found, RULES), encoding="utf-8")
