"""Commands and their options; each does its work in a module of its own."""

from __future__ import annotations

import asyncio
from enum import StrEnum
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
eval_app = typer.Typer(help="Measure a persona on questions of your own.", no_args_is_help=True)
app.add_typer(eval_app, name="eval")


class Split(StrEnum):
    """How a question set is divided."""

    HALF = "half"


class FaceLayout(StrEnum):
    """Orders of ARKit's 52 shapes."""

    APPLE = "arkit-52"
    ALPHABETICAL = "arkit-52-alphabetical"


Persona = Annotated[str, typer.Option("--persona", "-p", help="Persona id, such as iris or amon.")]
COMMERCIAL_ONLY = "Refuse weights whose licence forbids commercial use."
DEFAULT_PERSONA = HouseSettings().default_persona
Asked = Annotated[
    str | None,
    typer.Option("--persona", "-p", help="Persona id, such as iris or amon.", show_default=DEFAULT_PERSONA),
]
Corpus = Annotated[
    list[Path] | None,
    typer.Option(help="Answer from this file or folder alone, without a persona; may be given several times."),
]


@app.command()
def up(
    port: Annotated[int, typer.Option(envvar="FLASHBACK_PORT", min=1, max=65535, help="HTTP port of the page.")] = 8000,
    host: Annotated[str, typer.Option(envvar="FLASHBACK_HOST", help="Address to listen on.")] = "127.0.0.1",
    commercial_only: Annotated[bool, typer.Option(envvar="FLASHBACK_COMMERCIAL_ONLY", help=COMMERCIAL_ONLY)] = False,
) -> None:
    """Start everything on this machine; Ctrl-C stops it."""
    from flashback.cli.up import run

    asyncio.run(run(host, port, commercial_only))


@app.command("weights")
def list_weights(
    commercial_only: Annotated[bool, typer.Option(help=COMMERCIAL_ONLY)] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a checkpoint instead of a table.")] = False,
) -> None:
    """List the checkpoints that engines can load, and their licences."""
    from flashback.cli.weights import run

    run(commercial_only, as_json)


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="What you would like to know.")] = None,
    questions: Annotated[
        Path | None, typer.Option(help='Answer a file instead: lines {"q": question}. - is standard input.')
    ] = None,
    persona: Asked = None,
    corpus: Corpus = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a question instead of text.")] = False,
) -> None:
    """Answer a question as text, with citations."""
    from flashback.cli.ask import run

    asyncio.run(run(question, questions, persona, corpus or [], as_json))


@eval_app.command("rag")
def eval_rag(
    questions: Annotated[
        Path,
        typer.Argument(
            help='Lines {"q": question, "gold": list of texts or null, "source": file}. - is standard input.'
        ),
    ],
    persona: Asked = None,
    corpus: Corpus = None,
    k: Annotated[str, typer.Option("--k", help="Depths of recall@k.")] = "1,3,5",
    misses: Annotated[bool, typer.Option("--misses", help="List what went wrong.")] = False,
    curve: Annotated[bool, typer.Option("--curve", help="What other thresholds of the gate would refuse.")] = False,
    split: Annotated[
        Split | None, typer.Option(help="Choose the threshold on the even lines, report on the odd ones.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Answers: found, right, cited, refused, and how fast."""
    from flashback.cli.evaluate import depths, run

    asyncio.run(
        run(
            questions,
            persona,
            corpus or [],
            depths(k),
            json_=as_json,
            misses_=misses,
            curve_=curve,
            split=split is not None,
        )
    )


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
def blendshapes(
    audio: Annotated[Path, typer.Argument(help="Speech: WAV, MP3, Ogg, FLAC, M4A or WebM.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="What to write: .json, .csv, or a head as .glb.")],
    engine: Annotated[
        str | None, typer.Option(help="viseme or emotalk; left out: whichever runs, else the one in the settings.")
    ] = None,
    emotion_level: Annotated[int, typer.Option(min=0, max=1, help="1: emotion-driven.")] = 1,
    person: Annotated[int, typer.Option(min=0, max=23, help="Whose way of speaking.")] = 0,
    post_processing: Annotated[bool, typer.Option(help="Smoothing and blinks.")] = True,
    layout: Annotated[FaceLayout, typer.Option(help="Order of the 52 channels.")] = FaceLayout.ALPHABETICAL,
    persona: Annotated[str, typer.Option("--persona", "-p", help="Whose head a .glb shows.")] = DEFAULT_PERSONA,
    server: Annotated[
        str | None,
        typer.Option(help="host:port of an EmoTalk service; left out: the running one, else one is started."),
    ] = None,
) -> None:
    """Write 52 blendshapes a frame, 30 frames a second, of a recording."""
    from flashback.cli.blendshapes import Wanted, run

    wanted = Wanted(audio, output, engine, emotion_level, person, post_processing, layout, persona, server)
    asyncio.run(run(wanted))


@app.command()
def ingest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files or folders, remembered from now on; none: those remembered are looked at again."),
    ] = None,
    persona: Persona = DEFAULT_PERSONA,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and ingest whenever something changes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an ingest instead of text.")] = False,
    forget: Annotated[
        list[Path] | None, typer.Option(help="Remember this path no longer; may be given several times.")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Only show the paths that are ingested.")] = False,
) -> None:
    """Bring a persona's documents up to date: what is new, changed or gone."""
    from flashback.cli.ingest import Wanted, run

    raise typer.Exit(asyncio.run(run(Wanted(persona, paths or [], forget or [], show, watch, as_json))))


@app.command("personas")
def list_personas() -> None:
    """List the personas installed."""
    from flashback import personas

    for persona_id in personas.known():
        persona = personas.load(persona_id)
        typer.echo(f"{persona.id:12} {persona.name}: {persona.about}")
