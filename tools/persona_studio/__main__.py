"""Command line: python -m tools.persona_studio PERSONA OUT [--work WORK] [--steps glb,rig,plates]."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from . import camera
from .person import Person
from .personas import PERSONAS
from .rigged import Rigged


def _glb(rig: Rigged, options: argparse.Namespace) -> None:
    from .glb.export import export
    from .glb.preview import contact_sheet

    path = options.out / "head.glb"
    print(path, export(rig, path))
    contact_sheet(path, options.work / f"{rig.person.name}_shapes.png")


def _rig(rig: Rigged, options: argparse.Namespace) -> None:
    from .rig2d.export import export

    path = options.out / "rig.npz"
    print(path, "vertices and triangles:", export(rig, path))


def _plates(rig: Rigged, options: argparse.Namespace) -> None:
    from .plates.compose import compose
    from .plates.render import render

    render(rig, options.work, options.resolution, options.samples, options.plates)
    compose(rig, options.out, options.work, options.resolution)


def _compose(rig: Rigged, options: argparse.Namespace) -> None:
    from .plates.compose import compose

    compose(rig, options.out, options.work, options.resolution)


_STEPS: dict[str, Callable[[Rigged, argparse.Namespace], None]] = {
    "glb": _glb,
    "rig": _rig,
    "plates": _plates,
    "compose": _compose,
}
_PLATES = ("neutral", "closed", "open", "interior", "eyes", "background", "matte", "smile")


def _names(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    """A parser of comma-separated names out of `known`."""

    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return names

    return parse


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.persona_studio", description="Builds a synthetic persona.")
    parser.add_argument("persona", choices=sorted(PERSONAS))
    parser.add_argument("out", type=Path, help="folder that gets portrait.png, plates/, rig.npz and head.glb")
    parser.add_argument(
        "--work", type=Path, default=Path("work"), help="folder that setup.sh made; renders are kept there"
    )
    parser.add_argument("--steps", type=_names(tuple(_STEPS)), default=["glb", "rig", "plates"], help=", ".join(_STEPS))
    parser.add_argument("--plates", type=_names(_PLATES), default=list(_PLATES), help="plates to render")
    parser.add_argument("--resolution", type=int, default=camera.RESOLUTION, help="width and height of the plates")
    parser.add_argument("--samples", type=int, default=24, help="Cycles samples per pixel of the neutral plate")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Runs the steps asked for, in the order given."""
    options = _options(arguments)
    start = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    rig = Rigged(Person(options.persona, options.work / "assets"), options.work)
    for step in options.steps:
        _STEPS[step](rig, options)
    print(f"done in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
