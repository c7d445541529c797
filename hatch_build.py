"""Build hook: generates the wire code of proto/ into flashback/v1 (wheels and editable installs alike)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent


def generate(root: Path = ROOT) -> list[Path]:
    """Compile every .proto below proto/ into `root`; returns the proto files. Raises RuntimeError when protoc fails."""
    import grpc_tools
    from grpc_tools import protoc

    protos = sorted((root / "proto").rglob("*.proto"))
    include = Path(grpc_tools.__file__).parent / "_proto"
    plugin_folder = Path(sys.executable).parent
    arguments = [
        "protoc",
        f"-I{root / 'proto'}",
        f"-I{include}",
        f"--python_out={root}",
        f"--grpc_python_out={root}",
        *mypy_outputs(root, plugin_folder),
        *map(str, protos),
    ]
    if protoc.main(arguments) != 0:
        raise RuntimeError(f"protoc failed on {[p.name for p in protos]}")
    return protos


def mypy_outputs(root: Path, folder: Path) -> list[str]:
    """Arguments that add typing stubs where the mypy-protobuf plugins stand beside the interpreter."""
    found = []
    for name, flag in (("protoc-gen-mypy", "mypy"), ("protoc-gen-mypy_grpc", "mypy_grpc")):
        plugin = folder / name
        if plugin.exists():
            found += [f"--plugin={name}={plugin}", f"--{flag}_out={root}"]
    return found


class ProtoBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """hatchling's entry point."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        generate(Path(self.root))


if __name__ == "__main__":
    generate()
