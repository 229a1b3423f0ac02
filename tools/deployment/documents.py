"""Reads YAML as those read it who run it: a key that stands twice is a fault, not a choice."""

import json
from collections.abc import Hashable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import yaml

SCHEMAS: Final = Path(__file__).parent / "schemas"

Json = dict[str, Any]


class UniqueKeys(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Takes `on` for a word, as GitHub does, and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names = [key.value for key, _ in node.value if key.value != "<<"]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"{', '.join(twice)} twice", node.start_mark)
        made: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return made


UniqueKeys.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if letter not in "oO" or not tag.endswith(":bool")]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@cache
def documents(text: str) -> list[Json]:
    """The documents of a file, which nobody changes. Raises yaml.YAMLError."""
    return [each for each in yaml.load_all(text, UniqueKeys) if each is not None]


def schema(name: str) -> Json:
    """One of the stored schemas."""
    found: Json = json.loads((SCHEMAS / f"{name}.json").read_text())
    return found


def schema_faults(name: str, document: Json) -> Iterator[str]:
    """What a schema says against a document, with the place."""
    yield from _faults(_validator(name), document)


def kubernetes_faults(document: Json) -> Iterator[str]:
    """The same for a manifest, by its kind."""
    kind = f"{document.get('apiVersion')} {document.get('kind')}"
    if kind not in schema("kubernetes")["kinds"]:
        yield f"{kind}: no schema is stored for it"
        return
    yield from _faults(_kubernetes_validator(kind), document)


def _faults(validator: Any, document: Json) -> Iterator[str]:
    for error in validator.iter_errors(document):
        place = ".".join(str(part) for part in error.instance_path)
        yield f"{place}: {error.message}" if place else error.message


@cache
def _validator(name: str) -> Any:
    return jsonschema_rs.validator_for(schema(name))


@cache
def _kubernetes_validator(kind: str) -> Any:
    stored = schema("kubernetes")
    return jsonschema_rs.validator_for({"$defs": stored["$defs"], **stored["kinds"][kind]})
