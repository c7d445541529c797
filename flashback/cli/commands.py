"""Commands and their options; each does its work in a module of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from flashback.settings import HouseSettings

app = typer.Typer(
    help="A talking avatar on your own machine that answers from your documents.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Persona = Annotated[str, typer.Option("--persona", "-p", help="Persona id, such as iris or amon.")]
DEFAULT_PERSONA = HouseSettings().default_persona


@app.command()
def up(
    port: Annotated[int, typer.Option(envvar="FLASHBACK_PORT", min=1, max=65535, help="HTTP port of the page.")] = 8000,
    host: Annotated[str, typer.Option(envvar="FLASHBACK_HOST", help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Start everything on this machine; Ctrl-C stops it."""
    from flashback.cli.up import run

    asyncio.run(run(host, port))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you would like to know.")],
    persona: Persona = DEFAULT_PERSONA,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Answer a question as text, with citations."""
    from flashback.cli.ask import run

    asyncio.run(run(question, persona, as_json))


@app.command()
def say(
    text: Annotated[str, typer.Argument(help="What the avatar says.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The mp4 to write.")],
    persona: Persona = DEFAULT_PERSONA,
) -> None:
    """Write an mp4 (H.264, AAC) of the avatar saying a text."""
    from flashback.cli.say import run

    asyncio.run(run(text, output, persona))


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders: Markdown and plain text.")],
    persona: Persona = DEFAULT_PERSONA,
) -> None:
    """Add documents to what a persona answers from."""
    from flashback.cli.ingest import run

    asyncio.run(run(paths, persona))


@app.command("personas")
def list_personas() -> None:
    """List the personas installed."""
    from flashback import personas

    for persona_id in personas.known():
        persona = personas.load(persona_id)
        typer.echo(f"{persona.id:12} {persona.name}: {persona.about}")
