"""A pretrained model loaded from a folder: Chronos (T5), a language model whose words are scaled values.

Off unless a folder is named in the settings. Weights are read from safetensors only and no code of the folder is run:
a pickle, or a model that brings its own code, could do anything. Nothing is fetched over the network.
Source: Ansari et al. (2024), "Chronos: learning the language of time series".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.model import LEVELS, Forecast, ModelNotInstalled
from services.market_intel.forecasting.models.alone import library
from services.market_intel.forecasting.models.lstm import seeded
from services.market_intel.forecasting.panel import Floats, Panel
from shared.errors import FailedPrecondition

REMEDY = "run `make deep`"
SERIES_AT_ONCE = 16
SAMPLES = 20
MOST_CONFIG_BYTES = 1_000_000
SEED = 1
ARCHITECTURE = "T5ForConditionalGeneration"
TOKENIZER = "MeanScaleUniformBins"


class NotAPretrainedModel(FailedPrecondition):
    """A folder that holds no model which can be loaded here."""

    reason = "NOT_A_PRETRAINED_MODEL"


@dataclass(frozen=True)
class Words:
    """How values become words: in multiples of the mean size, in bins of equal width.

    Attributes:
        centres: what each word stands for.
        special: words that stand for none: padding first, then the end.
        context: values read at most.
        horizon: values said at once at most.
        temperature, top_k, top_p: how words are drawn.
        end: whether the values read are ended by a word.
    """

    centres: Floats
    special: int
    context: int
    horizon: int
    temperature: float
    top_k: int
    top_p: float
    end: bool

    @classmethod
    def of(cls, config: dict[str, Any]) -> Words:
        """Return the words described by the `chronos_config` of a model."""
        limits = config["tokenizer_kwargs"]
        count, special = int(config["n_tokens"]), int(config["n_special_tokens"])
        return cls(
            np.linspace(float(limits["low_limit"]), float(limits["high_limit"]), count - special - 1),
            special,
            int(config["context_length"]),
            int(config["prediction_length"]),
            float(config.get("temperature", 1.0)),
            int(config.get("top_k", 50)),
            float(config.get("top_p", 1.0)),
            bool(config.get("use_eos_token", True)),
        )

    def written(self, values: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
        """Return words, which of them are there, and the scale of each row of values; NaN is padding."""
        read = values[:, -self.context :]
        known = np.isfinite(read)
        size = np.where(known, np.abs(read), 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        scale = np.where(size > 0, size, 1.0)
        bounds = (self.centres[1:] + self.centres[:-1]) / 2
        words = np.digitize(np.nan_to_num(read) / scale[:, None], bounds) + self.special + 1
        words = np.where(known, words, 0)
        if self.end:
            words = np.pad(words, ((0, 0), (0, 1)), constant_values=1)
            known = np.pad(known, ((0, 0), (0, 1)), constant_values=True)
        return words.astype(np.int64), known.astype(np.int64), scale

    def read(self, words: npt.NDArray[np.int64], scale: Floats) -> Floats:
        """Return what words (series, samples, horizon) stand for."""
        places = np.clip(words - self.special - 1, 0, len(self.centres) - 1)
        found: Floats = self.centres[places] * scale[:, None, None]
        return found


class Pretrained:
    """Chronos from a folder, its quantiles those of drawn futures."""

    name = "pretrained"
    local = True

    def __init__(self, folder: Path | None = None, threads: int = 1) -> None:
        """Take the folder of the model; without one, raise ModelNotInstalled."""
        if folder is None:
            raise ModelNotInstalled(
                "no pretrained model is set up; name the folder of one in PRETRAINED_FORECASTER_DIR"
            )
        self._folder, self._threads = folder, threads

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the forecasts of all series.

        Raises:
            ModelNotInstalled: torch or transformers are not there.
            NotAPretrainedModel: the folder holds no such model.
        """
        words = Words.of(config_of(self._folder))
        torch = library("torch", "pretrained", "run `make deep`")
        network = loaded(self._folder)
        values = panel.matrix(words.context)
        with seeded(torch, SEED, self._threads), torch.no_grad():
            parts = [
                drawn(torch, network, words, values[at : at + SERIES_AT_ONCE], horizon)
                for at in range(0, len(panel), SERIES_AT_ONCE)
            ]
        samples = np.concatenate(parts)
        positive = np.all(np.nan_to_num(panel.matrix()) >= 0, axis=1, keepdims=True)[:, :, None]
        samples = np.where(positive, np.maximum(samples, 0.0), samples)
        quantiles: Floats = np.moveaxis(np.quantile(samples, LEVELS, axis=1), 0, 2)
        return Forecast(samples.mean(axis=1), quantiles, (f"{SAMPLES} futures drawn",) * len(panel))


def config_of(folder: Path) -> dict[str, Any]:
    """Return the `chronos_config` of the model in a folder.

    Raises:
        NotAPretrainedModel: there is none, or it is of another kind.
    """
    path = folder / "config.json"
    if not path.is_file() or not any(folder.glob("*.safetensors")):
        raise NotAPretrainedModel("the folder has no config.json and *.safetensors; put a Chronos (T5) model there")
    if path.stat().st_size > MOST_CONFIG_BYTES:
        raise NotAPretrainedModel(f"its config.json is larger than {MOST_CONFIG_BYTES} bytes, which no model's is")
    try:
        config = json.loads(path.read_text())
        words = config["chronos_config"]
        if config["architectures"] != [ARCHITECTURE] or words["tokenizer_class"] != TOKENIZER:
            raise NotAPretrainedModel(
                f"only {ARCHITECTURE} with {TOKENIZER} can be loaded, which Chronos T5 models are"
            )
        Words.of(words)
    except (KeyError, TypeError, ValueError) as error:
        raise NotAPretrainedModel("its config.json describes no Chronos (T5) model") from error
    found: dict[str, Any] = words
    return found


def loaded(folder: Path) -> Any:
    """Return the network, its weights from safetensors.

    Raises:
        NotAPretrainedModel: weights and description do not fit.
    """
    transformers = library("transformers", "pretrained", REMEDY)
    safetensors = library("safetensors", "pretrained", REMEDY)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        network, found = transformers.T5ForConditionalGeneration.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, trust_remote_code=False, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, KeyError, safetensors.SafetensorError) as error:
        raise NotAPretrainedModel("its weights cannot be loaded; are they those of its config.json?") from error
    if found["missing_keys"]:
        raise NotAPretrainedModel(f"{len(found['missing_keys'])} of its weights are missing; is a file left out?")
    return network.eval()


def drawn(torch: Any, network: Any, words: Words, values: Floats, horizon: int) -> Floats:
    """Return drawn futures, shape (series, samples, horizon); beyond what is said at once, medians are read on."""
    said: list[Floats] = []
    while sum(part.shape[2] for part in said) < horizon:
        count = min(words.horizon, horizon - sum(part.shape[2] for part in said))
        read, known, scale = words.written(values)
        found = network.generate(
            input_ids=torch.from_numpy(read),
            attention_mask=torch.from_numpy(known),
            min_new_tokens=count,
            max_new_tokens=count,
            do_sample=True,
            num_return_sequences=SAMPLES,
            temperature=words.temperature,
            top_k=words.top_k,
            top_p=words.top_p,
            pad_token_id=0,
            eos_token_id=1,
        )
        said.append(words.read(found[:, -count:].numpy().reshape(len(values), SAMPLES, count), scale))
        values = np.concatenate([values, np.median(said[-1], axis=1)], axis=1)
    return np.concatenate(said, axis=2)
