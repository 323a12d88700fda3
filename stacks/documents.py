"""Reading YAML the way the Pulumi engine reads a stack file, with every fault as one line.

Pulumi reads its files with a YAML 1.2 reader: ``no`` and ``on`` are text there, but booleans for PyYAML. A region named
``no`` must mean the same to both, so the loader here resolves only what Pulumi's reader does. It also refuses a key
that is written twice, of which PyYAML would silently keep the last.
"""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from stacks.errors import Place, SettingsError

_SCALARS = {
    "tag:yaml.org,2002:null": (r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    "tag:yaml.org,2002:bool": (r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    "tag:yaml.org,2002:int": (r"^[-+]?(?:0|[1-9][0-9_]*|0[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+)$", list("-+0123456789")),
    "tag:yaml.org,2002:float": (
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        list("-+.0123456789"),
    ),
    "tag:yaml.org,2002:merge": (r"^<<$", ["<"]),
}


class _Loader(yaml.SafeLoader):
    """A safe loader with YAML 1.2's scalars that refuses repeated keys."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own shape)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        first: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if (key.tag, key.value) in first:
                line = first[key.tag, key.value]
                problem = f"`{key.value}` is written twice, first in line {line}; keep one"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            first[key.tag, key.value] = key.start_mark.line + 1
        return super().construct_mapping(node, deep=deep)


for _tag, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), _first)


def _hint(error: yaml.MarkedYAMLError) -> str:
    return "" if "written twice" in str(error.problem) else "; make it valid YAML"


def read_mapping(path: Path, shown_as: str) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Raises:
        SettingsError: one line that starts with ``shown_as``, for a file that cannot be read, is not UTF-8, is not
            YAML, repeats a key, or does not hold one mapping with text as its keys.

    """
    place = Place(shown_as, is_file=True)
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except FileNotFoundError:
        raise SettingsError([place.problem("there is no such file")]) from None
    except OSError as error:
        raise SettingsError([place.problem(f"cannot be read: {(error.strerror or 'error').lower()}")]) from None
    except UnicodeDecodeError as error:
        raise SettingsError([place.problem(f"is not UTF-8 text (byte {error.start}); save it as UTF-8")]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise SettingsError([place.problem(f"{line}{error.problem or error.context}{_hint(error)}")]) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise SettingsError([place.problem(f"{str(error).splitlines()[0]}; make it valid YAML")]) from None
    except RecursionError:
        raise SettingsError([place.problem("is nested too deeply to be settings")]) from None
    if found is None:
        raise SettingsError([place.problem("is empty; it should hold a mapping")])
    if not isinstance(found, dict):
        raise SettingsError([place.problem("does not hold a mapping (`key: value` lines)")])
    strange = [place.problem(f"the key {key!r} should be text") for key in found if not isinstance(key, str)]
    if strange:
        raise SettingsError(strange)
    return found
