"""Writes a language model of a few megabytes for tests against a real server: `python tools/tiny_llm.py FOLDER`.

It has Llama's architecture, a byte-level BPE tokeniser and a chat template; nothing is downloaded. Needs torch,
transformers and tokenizers. Two models can be made:

- by default the weights are random (from a fixed seed), but only whole words, full stops and citation marks are ever
  likely, so that it babbles in sentences, and never ends by itself;
- with `--says TEXT` it recites TEXT, whatever it is asked. Attention and feed-forward are switched off, so that the
  next token depends on the last one alone, and the output matrix holds TEXT as that chain. With `--endless` it goes
  on after TEXT with filler, and never ends.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

START, PAD, TURN, END = "<s>", "<pad>", "<|im_start|>", "<|im_end|>"
SPECIAL = (START, PAD, TURN, END)
MARKS = ("[1]", "[2]", "[3]")
VOCABULARY = 1024
WIDTH = 128
HEADS = 2  # of width 64, the only one that vLLM's attention on a CPU takes
CONTEXT = 2048
SEED = 2
SPREAD = 0.3
"""Standard deviation of the weights: large enough that the last words decide on the next one."""
LOUDNESS = 3.0
"""How far likely tokens are above the others, as a factor of the output matrix."""
RECITAL = 40.0
"""The same for the one token that comes next in a recital."""
EMPHASIS = 1.5
"""The same for full stops and citation marks among the likely ones."""

WORDS = (
    "The keeper lit the lamp at sunset. A lens gathers light into a beam. The tower stands on a rock near the harbour. "
    "Ships see it from far away. It was built by an engineer in the last century. Nobody knows who wound the clock. "
    "The avatar answers from documents. Speech begins after the first sentence. The mouth moves with the sound."
)
"""What the random model has its words from."""

FILLER = " And so on"

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer(text: str) -> PreTrainedTokenizerFast:
    """A tokeniser that takes any text, and has one token for each word of `text` and each citation mark."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=list(SPECIAL), initial_alphabet=alphabet)
    bpe.train_from_iterator([text] * 5, trainer)
    bpe.add_tokens([AddedToken(mark, normalized=False) for mark in MARKS])
    made = PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token=START, eos_token=END, pad_token=PAD)
    made.chat_template = TEMPLATE
    made.model_max_length = CONTEXT
    return made


def llama(tokens: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A Llama with random weights from a fixed seed."""
    start, pad, end = (tokens.convert_tokens_to_ids(name) for name in (START, PAD, END))
    config = LlamaConfig(
        vocab_size=len(tokens),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        num_key_value_heads=1,
        head_dim=WIDTH // HEADS,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=False,
        initializer_range=SPREAD,
        bos_token_id=start,
        pad_token_id=pad,
        eos_token_id=end,
    )
    torch.manual_seed(SEED)
    model = LlamaForCausalLM(config).to(torch.float32)
    model.generation_config = GenerationConfig(bos_token_id=start, pad_token_id=pad, eos_token_id=end)
    return model


@torch.no_grad()
def teach_words(model: LlamaForCausalLM, tokens: PreTrainedTokenizerFast, text: str) -> None:
    """Makes the tokens of `text` and the citation marks likely, and all others, the end among them, unlikely."""
    endings = tokens.convert_tokens_to_ids([*MARKS, "."])
    likely = sorted({*tokens.encode(text), *endings})
    output = torch.zeros_like(model.lm_head.weight)
    output[likely] = model.lm_head.weight[likely] * LOUDNESS
    output[endings] *= EMPHASIS
    model.lm_head.weight.copy_(output)


@torch.no_grad()
def teach_sentence(model: LlamaForCausalLM, tokens: PreTrainedTokenizerFast, text: str, filler: str = "") -> None:
    """Makes the model recite `text` and stop, or go on with `filler` for ever. Raises ValueError when a token comes
    twice."""
    opening = tokens.encode("assistant\n")[-1]
    after = tokens.encode(filler) if filler else [tokens.convert_tokens_to_ids(END)]
    chain = [opening, *tokens.encode(text), *after]
    twice = {tokens.decode([token]) for token in chain if chain.count(token) > 1}
    if twice:
        raise ValueError(f"A recited text has no token twice; these come again: {sorted(twice)}")
    for layer in model.model.layers:
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
    seen = model.model.embed_tokens.weight
    seen.copy_(torch.nn.functional.normalize(seen))
    output = torch.zeros_like(model.lm_head.weight)
    for last, coming in [*zip(chain, chain[1:], strict=False), *([(after[-1], after[0])] if filler else [])]:
        output[coming] += seen[last] * RECITAL
    model.lm_head.weight.copy_(output)


def write(folder: Path, says: str | None = None, endless: bool = False) -> None:
    """Writes weights, tokeniser and chat template to `folder`; the same bytes at each run on one machine."""
    filler = FILLER if endless else ""
    tokens = tokenizer(says + filler if says else WORDS)
    model = llama(tokens)
    if says:
        teach_sentence(model, tokens, says, filler)
    else:
        teach_words(model, tokens, WORDS)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the model goes")
    parser.add_argument("--says", metavar="TEXT", help="what it recites; no word of it may come twice")
    parser.add_argument("--endless", action="store_true", help="it goes on after that, and never ends")
    arguments = parser.parse_args()
    try:
        write(arguments.folder, arguments.says, arguments.endless)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
