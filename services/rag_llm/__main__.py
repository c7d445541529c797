"""python -m services.rag_llm"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from flashback.errors import MissingEngine
from flashback.rpc import ServiceServer, run_service
from flashback.settings import Addresses, HouseSettings

if TYPE_CHECKING:
    from services.rag_llm.engine import Encoder
    from services.rag_llm.settings import RagSettings


def load_encoder(settings: RagSettings) -> Encoder:
    """MiniLM, or the encoder behind the address that is set. Raises MissingEngine or Broken."""
    from services.rag_llm.embedding import MiniLM

    words = MiniLM()
    if not settings.embeddings_url:
        return words
    try:
        from services.rag_llm.embedding_server import EmbeddingServer
    except ImportError as error:
        raise MissingEngine(
            "An embeddings server needs the extra rag-llm-openai; install it, or unset its address."
        ) from error
    return EmbeddingServer(settings, words)


async def setup(service: ServiceServer) -> Callable[[], Awaitable[None]]:
    """Loads the encoder and the engine and registers the servicer. Raises MissingEngine or Broken.

    The personas' documents are read in the background, the default one's first: the service serves before they are.
    """
    from flashback import engines, personas
    from flashback.v1 import rag_llm_pb2, rag_llm_pb2_grpc
    from services.rag_llm.engine import Preparing
    from services.rag_llm.grounding import Grounding
    from services.rag_llm.library import Library
    from services.rag_llm.server import RagLlmServicer
    from services.rag_llm.settings import RagSettings

    settings, house = RagSettings(), HouseSettings()
    create = engines.load("rag_llm", settings.engine)
    encoder = await asyncio.to_thread(load_encoder, settings)
    answerer = create(encoder, settings)
    if isinstance(answerer, Preparing):
        await answerer.prepare()
    library, grounding = Library(house, settings, encoder), Grounding(encoder, settings)
    servicer = RagLlmServicer(library, answerer, grounding)
    for persona_id in sorted(personas.known(house), key=lambda known: known != house.default_persona):
        await servicer.prepare(persona_id)
    rag_llm_pb2_grpc.add_RagLlmServicer_to_server(servicer, service.server)
    service.announce(rag_llm_pb2.DESCRIPTOR.services_by_name["RagLlm"].full_name)
    return servicer.close


if __name__ == "__main__":
    # More threads of the matrix library would only spin against the other services; numpy reads this when imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    logging.getLogger("faiss").setLevel(logging.WARNING)
    run_service("rag_llm", Addresses().rag_llm_address, setup)
