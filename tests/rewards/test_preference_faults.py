"""What a reward model reads is what it was trained on, and whatever a text or a server says is that sample's affair."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.rewards.test_preference import save
from veritune import Cause, Sample, get_reward
from veritune.rewards.preference.encoding import Encoder, EncodingOptions
from veritune.rewards.preference.items import Item

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz", *(f"##{c}" for c in "abcdefghij")]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    folder = tmp_path_factory.mktemp("bert")
    inner = Tokenizer(models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_input_names=["input_ids", "token_type_ids", "attention_mask"], model_max_length=64,
    )  # fmt: skip
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=64, num_labels=1,
    )  # fmt: skip
    model = transformers.BertForSequenceClassification(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(5.0)  # so that segments make a difference that is none of rounding
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def test_a_pair_has_the_segments_that_the_model_was_trained_with(bert: str) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(bert)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(bert).eval()
    pairs = [("a b c", "d e f g"), ("h", "i j"), ("k l m n", "o")]
    reward = get_reward("preference", model=bert, template="pair", device="cpu")
    found = [score.value for score in reward.score_batch([Sample(b, a) for a, b in pairs])]
    with torch.inference_mode():
        wanted = [float(model(**tokenizer(a, b, return_tensors="pt")).logits[0, 0]) for a, b in pairs]
        without = [float(model(tokenizer(a, b, return_tensors="pt")["input_ids"]).logits[0, 0]) for a, b in pairs]
    assert found == pytest.approx(wanted, abs=1e-5)
    assert found != pytest.approx(without, abs=1e-3)


def test_a_cut_pair_keeps_what_holds_it_together(bert: str) -> None:
    encoder = Encoder(transformers.AutoTokenizer.from_pretrained(bert), EncodingOptions("pair", max_length=12))
    encoded = encoder(Item("a b c d e f g h", "i j k l m n o p"))
    assert encoded.ids is not None
    assert len(encoded.ids) == 12
    assert encoded.ids[0] == 2
    assert encoded.ids.count(3) == 2
    assert encoded.ids[-1] == 3


def test_a_policy_that_writes_control_tokens_makes_no_turns(tmp_path: Path) -> None:
    path = save(tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    end = tokenizer.eos_token
    encoder = Encoder(tokenizer, EncodingOptions())
    assert tokenizer.eos_token_id not in (encoder(Item("a", f"bad{end}good")).ids or [])
    assert (encoder(Item("a", f"good{end}")).ids or [])[-1] == tokenizer.eos_token_id
    chat = encoder(Item([{"role": "user", "content": "a"}], [{"role": "assistant", "content": f"b{end}c"}]))
    assert tokenizer.eos_token_id not in (chat.ids or [])


def test_content_in_parts_is_its_text(tmp_path: Path) -> None:
    encoder = Encoder(transformers.AutoTokenizer.from_pretrained(save(tmp_path)), EncodingOptions())
    prompt = [{"role": "user", "content": "a"}]
    parts = [{"role": "assistant", "content": [{"type": "text", "text": "hello"}]}]
    whole = [{"role": "assistant", "content": "hello"}]
    assert encoder(Item(prompt, parts)).ids == encoder(Item(prompt, whole)).ids


def test_a_template_without_a_system_turn_has_it_before_the_first_question(tmp_path: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(save(tmp_path))
    refuse = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    tokenizer.chat_template = refuse + tokenizer.chat_template
    encoder = Encoder(tokenizer, EncodingOptions())
    turns = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "a"}]
    assert "be brief\n\na" in encoder.text(Item(turns, "b"))
    tokenizer.chat_template = "{{ raise_exception('never') }}"
    assert encoder(Item(turns, "b")).ids is None


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\x00", ""])
def test_a_text_that_cannot_be_encoded_costs_nobody_else(tmp_path: Path, text: str) -> None:
    reward = get_reward("preference", model=save(tmp_path), device="cpu")
    scores = reward.score_batch([Sample(text, "q "), Sample("fine", "q ")])
    assert scores[1].value is not None


@contextmanager
def saying(body: bytes) -> Iterator[str]:
    with answering(lambda _: (200, body)) as url:
        yield url


@contextmanager
def answering(answer: Callable[[dict[str, Any]], tuple[int, Any]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, said = answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


GOOD = {"logits": [0.5], "note": "", "failure": None}
ANSWERS: dict[str, tuple[Any, list[float | None]]] = {
    "NaN": ({"outcomes": [{**GOOD, "logits": [float("nan")]}, GOOD]}, [None, 0.5]),
    "infinite": ({"outcomes": [{**GOOD, "logits": [float("inf")]}, GOOD]}, [None, 0.5]),
    "words": ({"outcomes": [{**GOOD, "logits": ["high"]}, GOOD]}, [None, 0.5]),
    "nothing": ({"outcomes": [{**GOOD, "logits": []}, GOOD]}, [None, 0.5]),
    "an unknown failure": ({"outcomes": [{**GOOD, "logits": None, "failure": "tired"}, GOOD]}, [None, 0.5]),
    "a failure beside logits": ({"outcomes": [{**GOOD, "failure": "abstain"}, GOOD]}, [None, 0.5]),
    "a failure that is no word": ({"outcomes": [{**GOOD, "failure": 3}, GOOD]}, [None, 0.5]),
    "null labels": ({"outcomes": [GOOD, GOOD], "labels": None, "trained": None}, [0.5, 0.5]),
    "text for a number": ({"outcomes": [{**GOOD, "logits": ["0.3"]}, GOOD]}, [None, 0.5]),
    "a truth value": ({"outcomes": [{**GOOD, "logits": [True]}, GOOD]}, [None, 0.5]),
    "beyond floats": ({"outcomes": [{**GOOD, "logits": [10**400]}, GOOD]}, [None, 0.5]),
    "an empty outcome": ({"outcomes": [{}, GOOD]}, [None, 0.5]),
    "no outcome": ({"outcomes": [None, GOOD]}, [None, 0.5]),
    "a word": ({"outcomes": ["x", GOOD]}, [None, 0.5]),
    "two logits of a model of one": (
        {"outcomes": [{**GOOD, "logits": [1, 2]}, GOOD], "labels": {"LABEL_0": 0}},
        [None, 0.5],
    ),
    "ragged": ({"outcomes": [{**GOOD, "logits": [1, 2]}, GOOD]}, [None, None]),
    "too few": ({"outcomes": [GOOD]}, [None, None]),
    "a list": ([1], [None, None]),
    "null": (None, [None, None]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_malformed_answer_of_a_server_is_undecided(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veritune.rewards.preference.remote.WAIT", 0.001)
    answer, wanted = ANSWERS[name]
    with saying(json.dumps(answer).encode()) as url:
        scores = get_reward("preference", endpoint=url).score_batch([Sample("a", "q"), Sample("b", "q")])
    assert [score.value for score in scores] == wanted
    causes = {score.cause for score in scores if score.value is None}
    assert causes <= {Cause.ABSTAIN if "beside" in name else Cause.INFRA_ERROR}


def test_a_server_that_changes_its_model_is_undecided_and_stops_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veritune.rewards.preference.remote.WAIT", 0.001)
    logits = [0.5]
    with answering(lambda body: (200, {"outcomes": [{**GOOD, "logits": logits}] * len(body["items"])})) as url:
        reward = get_reward("preference", endpoint=url)
        assert reward.score("a", "q").value == 0.5
        logits = [0.1, 0.9]
        score = reward.score("a", "q")
        assert (score.value, score.cause) == (None, Cause.INFRA_ERROR)
        assert "2 logits a row, where the first answer had 1" in score.reason
        logits = [0.7]
        assert reward.score("b", "q").value == 0.7


@pytest.mark.parametrize("length", ["-1", "99999999999", "9" * 30, "abc", "²"])
def test_the_scoring_server_refuses_a_length_that_is_none(tmp_path: Path, length: str) -> None:
    """Neither does it wait for what never comes, nor ask for memory that nobody has."""
    from veritune.rewards.preference.model import load_model
    from veritune.rewards.preference.server import make_server

    server = make_server(load_model(save(tmp_path), "cpu"), port=0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        with socket.create_connection(server.server_address[:2], timeout=10) as client:  # type: ignore[arg-type]
            client.sendall(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\nx".encode("latin-1"))
            said = b"".join(iter(lambda: client.recv(65536), b""))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert said.startswith(b"HTTP/1.1 400")
    assert b"Content-Length is a whole number" in said


@pytest.mark.parametrize("reference", [np.array([]), np.float32("nan"), (), [None], np.array(["a"])])
def test_references_of_arrays_are_read_as_what_they_say(tmp_path: Path, reference: Any) -> None:
    reward = get_reward("preference", model=save(tmp_path), device="cpu", win_rate=True)
    score = reward.score_batch([Sample("a", "q", None, {"reference": reference})])[0]
    said = isinstance(reference, np.ndarray) and reference.size
    assert (score.value, score.cause) == ((0.5, None) if said else (None, Cause.INVALID_GOLD))


def test_an_answer_nested_without_end_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veritune.rewards.preference.remote.WAIT", 0.001)
    with saying(b"[" * 100_000) as url:
        assert get_reward("preference", endpoint=url).score("a", "q").cause is Cause.INFRA_ERROR


def test_an_item_that_a_server_refuses_costs_no_other_its_score() -> None:
    def refuses(body: dict[str, Any]) -> bool:
        return any("bad" in item["completion"] for item in body["items"])

    texts = ["a", "bad", "b", "c", "d", "bad", "e"]
    with answering(lambda body: (400 if refuses(body) else 200, {"outcomes": [GOOD] * len(body["items"])})) as url:
        scores = get_reward("preference", endpoint=url).score_batch([Sample(text, "q") for text in texts])
    assert [score.value for score in scores] == [None if text == "bad" else 0.5 for text in texts]
    assert {score.cause for score in scores if score.value is None} == {Cause.INFRA_ERROR}


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_server_that_refuses_everything_is_not_asked_for_each_item(status: int) -> None:
    asked: list[int] = []

    def refuse(body: dict[str, Any]) -> tuple[int, Any]:
        asked.append(len(body["items"]))
        return status, {"error": "no such template"}

    with answering(refuse) as url:
        scores = get_reward("preference", endpoint=url).score_batch([Sample("a", "q")] * 200)
    assert {(score.value, score.cause) for score in scores} == {(None, Cause.INFRA_ERROR)}
    assert len(asked) < 40
    assert "no such template" in scores[-1].reason


def test_the_scoring_server_scores_what_stands_beside_an_item_that_is_no_text(tmp_path: Path) -> None:
    from veritune.rewards.preference.items import from_json
    from veritune.rewards.preference.model import LocalScorer, load_model

    items = from_json([{"prompt": "q", "completion": c} for c in ("fine", "\ud800", 5, {"a": 1})])
    outcomes = LocalScorer(load_model(save(tmp_path), "cpu"), EncodingOptions()).score([*items, Item(5, "a")])  # type: ignore[arg-type]
    assert [outcome.failure for outcome in outcomes] == [None, *["abstain"] * 4]


@pytest.mark.parametrize("reference", [float("nan"), None, "", {}, [], "  "])
def test_a_reference_that_says_nothing_is_an_invalid_gold(tmp_path: Path, reference: Any) -> None:
    reward = get_reward("preference", model=save(tmp_path), device="cpu", win_rate=True)
    assert reward.score("a", "q", reference=reference).cause is Cause.INVALID_GOLD
    assert reward.score("a", "q", reference=7).value is not None
