"""A model from a folder: a tiny Chronos made here, and folders that hold none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from services.market_intel.ask import Ask
from services.market_intel.forecasting.model import ModelNotInstalled
from services.market_intel.forecasting.models.pretrained import NotAPretrainedModel, Pretrained, Words
from services.market_intel.forecasting.panel import panel_of
from services.market_intel.forecasting.periods import DAY
from services.market_intel.forecasting.registry import MODELS
from services.market_intel.forecasts import forecast

WORDS = {
    "tokenizer_class": "MeanScaleUniformBins",
    "tokenizer_kwargs": {"low_limit": -15.0, "high_limit": 15.0},
    "n_tokens": 64,
    "n_special_tokens": 2,
    "context_length": 32,
    "prediction_length": 8,
    "use_eos_token": True,
    "temperature": 1.0,
    "top_k": 50,
    "top_p": 1.0,
}


def panel(*series):
    days = np.concatenate([np.datetime64("2026-01-01") + np.arange(len(values)) for values in series])
    ids = np.repeat([f"s{number}" for number in range(len(series))], [len(values) for values in series])
    return panel_of(DAY, days, np.concatenate(series).astype(float), ids)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    # CI installs both (requirements/deep.txt): a test that skips there would show nothing.
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2, "vocab_size": WORDS["n_tokens"]}
    config = transformers.T5Config(**sizes, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0)
    config.chronos_config = WORDS
    kept = tmp_path_factory.mktemp("chronos")
    transformers.T5ForConditionalGeneration(config).save_pretrained(kept)
    return kept


def test_a_folder_with_chronos_forecasts_beyond_what_it_says_at_once(folder):
    series = panel(np.arange(50.0), np.zeros(20), np.full(5, 1e12), [3.0])
    first, second = (Pretrained(folder).forecast(series, 20) for _ in range(2))
    assert first.mean.shape == (4, 20)
    assert np.isfinite(first.mean).all()
    assert (np.diff(first.quantiles, axis=2) >= 0).all()
    assert (first.quantiles >= 0).all()
    np.testing.assert_array_equal(first.mean, second.mean)


def test_a_forecast_by_name_is_made_from_the_folder_of_the_settings(folder):
    made = forecast(Ask(DAY, 3, model="pretrained"), panel(np.arange(40.0) % 7), lambda *_: None, folder)
    assert made.forecast.mean.shape == (1, 3) and np.isfinite(made.forecast.quantiles).all()
    assert made.choices[0].model == "pretrained" and "futures drawn" in made.choices[0].told
    with pytest.raises(ModelNotInstalled, match="PRETRAINED_FORECASTER_DIR"):
        forecast(Ask(DAY, 3, model="pretrained"), panel(np.arange(40.0)), lambda *_: None)


def test_values_become_words_and_words_values():
    words = Words.of(WORDS)
    values = np.array([[np.nan, 1.0, 2.0, 3.0, -100.0, 0.0]])
    written, known, scale = words.written(values)
    assert written[0, 0] == 0
    assert written[0, -1] == 1
    assert known.tolist() == [[0, 1, 1, 1, 1, 1, 1]]
    assert scale[0] == pytest.approx(106 / 5)
    width = words.centres[1] - words.centres[0]
    read = words.read(written[:, None, 1:-1], scale)[0, 0]
    np.testing.assert_allclose(read, values[0, 1:], atol=width * scale[0] / 2)


def test_off_unless_a_folder_is_set():
    with pytest.raises(ModelNotInstalled, match="no pretrained model is set up"):
        MODELS["pretrained"].make(country="DE")


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "no config.json"),
        ({"config.json": json.dumps({"chronos_config": WORDS}), "pytorch_model.bin": "x"}, "safetensors"),
        ({"config.json": "{", "model.safetensors": "x"}, "no Chronos"),
        ({"config.json": "[]", "model.safetensors": "x"}, "no Chronos"),
        (
            {
                "config.json": json.dumps({"architectures": ["Other"], "chronos_config": WORDS}),
                "model.safetensors": "x",
            },
            "only T5ForConditionalGeneration",
        ),
        ({"config.json": "1" * 1_000_001, "model.safetensors": "x"}, "larger than"),
    ],
)
def test_a_folder_that_is_no_such_model_is_refused(files, why, tmp_path):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(NotAPretrainedModel, match=why) as refused:
        Pretrained(tmp_path).forecast(panel([1.0, 2.0]), 1)
    assert refused.value.error_reason == "NOT_A_PRETRAINED_MODEL"
    assert str(tmp_path) not in str(refused.value)


def test_broken_weights_are_refused_and_a_pickle_is_never_opened(folder, tmp_path):
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    (tmp_path / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    (tmp_path / "model.safetensors").write_bytes(b"not weights at all")
    with pytest.raises(NotAPretrainedModel, match="cannot be loaded"):
        Pretrained(tmp_path).forecast(panel([1.0, 2.0]), 1)


def test_weights_that_are_missing_are_not_made_up(folder, tmp_path):
    torch = pytest.importorskip("safetensors.torch")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    weights = torch.load_file(folder / "model.safetensors")
    torch.save_file(
        {key: weights[key] for key in list(weights)[1:-1]}, tmp_path / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(NotAPretrainedModel, match="are missing"):
        Pretrained(tmp_path).forecast(panel([1.0, 2.0]), 1)
