"""Lays a language model out as the hub's cache has it: a GGUF file's weights as plain numbers, the tokenizer of a folder."""

import shutil
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, GgufConfig

gguf, folder, repository = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
revision = "0" * 40
snapshot = repository / "snapshots" / revision
if snapshot.exists():
    print(snapshot)
    sys.exit()
partial = repository / "partial"
shutil.rmtree(repository, ignore_errors=True)
partial.mkdir(parents=True)

plain = GgufConfig(dequantize=True)
model = AutoModelForCausalLM.from_pretrained(
    gguf.parent, gguf_file=gguf.name, quantization_config=plain, dtype=torch.float32
)
model.save_pretrained(partial)
# Its ends of an answer are those of our endpoint, and its configuration is the one that the weights were read by.
shutil.copy(folder / "generation_config.json", partial)
for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
    shutil.copy(folder / name, partial)

snapshot.parent.mkdir()
partial.rename(snapshot)
(repository / "refs").mkdir()
(repository / "refs" / "main").write_text(revision)
print(snapshot)
