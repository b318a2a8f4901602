"""Reads tokens with an exported decoder, as src/generation/decoder does."""

import numpy as np
import onnxruntime


class Reader:
    def __init__(self, model: bytes, threads: int = 1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.past = {value.name: value.shape for value in self.session.get_inputs() if value.name.startswith("past")}
        self.outputs = [value.name for value in self.session.get_outputs()]

    def start(self, batch: int = 1) -> dict[str, np.ndarray]:
        """Keys and values of no token."""
        return {name: np.zeros([batch, heads, 0, size], np.float32) for name, (_, heads, _, size) in self.past.items()}

    def read(self, ids: np.ndarray, past: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """int64 `ids` [batch, tokens] after what was read: the last one's logits [batch, vocabulary], and what is read
        now."""
        batch, tokens = ids.shape
        before = next(iter(past.values())).shape[2]
        feeds = {
            "input_ids": ids,
            "attention_mask": np.ones([batch, before + tokens], np.int64),
            "position_ids": np.tile(np.arange(before, before + tokens), (batch, 1)),
        }
        logits, *present = self.session.run(self.outputs, feeds | past)
        named = zip(self.outputs[1:], present, strict=True)
        return logits[:, -1], {name.replace("present", "past_key_values"): value for name, value in named}
