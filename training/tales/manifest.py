"""The model's folder beside its graph: manifest, tokenizer, the catalogue's entry."""

import hashlib
import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from data import END
from graph import OPSET, count_macs
from network import Network, Size
from reader import Reader
from samples import TEMPERATURE, TOP_P

NAME, REVISION = "tales", "1"
# Of a logit, between backends; seen was 0.0008, on a software adapter of WebGPU.
TOLERANCE = 0.01
# WebAssembly's memory grows by 56 MB, a full context included.
MEMORY_BYTES = 64_000_000
CANARY = "Once upon a time there was a king"


def to_json(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def tokenizer_files(state: Path, size: Size) -> dict[str, bytes]:
    tokenizer = json.loads((state / "tokenizer.json").read_text(encoding="utf-8"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "model_max_length": size.context,
        "clean_up_tokenization_spaces": False,
    }
    return {"tokenizer.json": to_json(tokenizer).encode(), "tokenizer_config.json": to_json(config).encode()}


def hub_config(size: Size, tokenizer: Tokenizer) -> dict:
    """For other loaders of the hub's form; Hither does not read it."""
    return {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        **size.config(),
        "head_dim": size.head,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": tokenizer.token_to_id(END),
    }


def canary_of(reader: Reader, size: Size, ids: list[int]) -> dict:
    """A first run, of nothing but a beginning, and its logits."""

    def literal(name: str, kind: str, shape: list[int], data: list) -> dict:
        return {"name": name, "type": kind, "shape": shape, "data": data}

    count = len(ids)
    logits, _ = reader.read(np.array([ids]), reader.start())
    inputs = [
        literal("input_ids", "int64", [1, count], ids),
        literal("attention_mask", "int64", [1, count], [1] * count),
        literal("position_ids", "int64", [1, count], list(range(count))),
        *(literal(name, "float32", [1, size.kv_heads, 0, size.head], []) for name in reader.past),
    ]
    answer = [round(float(value), 4) for value in logits[0]]
    return {"inputs": inputs, "outputs": [literal("logits", "float32", [1, 1, size.vocabulary], answer)]}


def make_manifest(files: dict[str, bytes], network: Network, reader: Reader, tokenizer: Tokenizer) -> dict:
    size = network.size
    cache = [1, size.kv_heads, -1, size.head]
    ids = {"type": "int64", "shape": [1, -1]}
    present = [name.replace("past_key_values", "present") for name in reader.past]
    return {
        "format": 1,
        "name": NAME,
        "revision": REVISION,
        "title": "Tales",
        "description": "Writes on from the beginning of a fairy tale, in English.",
        "task": "text-generation",
        "license": {
            "name": "MIT (trained on books in the public domain)",
            "url": "https://github.com/hither-ai/hither/blob/main/LICENSE",
        },
        "card": "README.md",
        "files": [
            {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for path, content in files.items()
        ],
        "graph": "model.onnx",
        "opset": OPSET,
        "precision": "int8",
        "requires": {"memoryBytes": MEMORY_BYTES},
        "inputs": [
            *({"name": name, **ids} for name in ["input_ids", "attention_mask", "position_ids"]),
            *({"name": name, "type": "float32", "shape": cache} for name in reader.past),
        ],
        "outputs": [
            {"name": "logits", "type": "float32", "shape": [1, 1, size.vocabulary]},
            *({"name": name, "type": "float32", "shape": cache} for name in present),
        ],
        "state": [
            {"input": name, "output": output, "shape": [1, size.kv_heads, 0, size.head]}
            for name, output in zip(reader.past, present, strict=True)
        ],
        "generation": {
            "tokenizer": "tokenizer.json",
            "tokenizerConfig": "tokenizer_config.json",
            "vocabulary": size.vocabulary,
            "contextTokens": size.context,
            "ends": [tokenizer.token_to_id(END)],
            "cache": {"layers": size.layers, "kvHeads": size.kv_heads, "headSize": size.head, "type": "float32"},
            "sampling": {"temperature": TEMPERATURE, "topP": TOP_P},
        },
        "complexity": {"macs": count_macs(network)},
        "tolerance": {"absolute": TOLERANCE},
        "canary": canary_of(reader, size, tokenizer.encode(CANARY).ids),
    }


def list_model(folder: Path) -> None:
    """Puts this revision in the place of the model's former one, else at the end."""
    path = folder / "catalog.json"
    catalog = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"format": 1, "models": []}
    entry = {"name": NAME, "revision": REVISION, "manifest": f"{NAME}/{REVISION}/manifest.json"}
    names = [model["name"] for model in catalog["models"]]
    at = names.index(NAME) if NAME in names else len(names)
    catalog["models"][at : at + 1] = [entry]
    path.write_text(json.dumps(catalog, indent=2) + "\n", encoding="utf-8")
