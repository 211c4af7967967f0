"""What a model is shown: one begin, one rendering, one system turn, the assistant's words continued, no end before."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from veritune.plugins import DataError
from veritune.trainer.config import DataConfig
from veritune.trainer.data.prompts import PromptEncoder, without_beginning
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import Row
from veritune.trainer.policy.models import make_tokenizer
from veritune.trainer.rollout.scoring import make_samples

LETTERS = [chr(c) for c in range(32, 127)] + ["\n"]
TEMPLATES: dict[str, tuple[str, str, str]] = {
    # file of TRL's: begin and end of sequence, what opens a user's turn
    "qwen3": ("", "<|im_end|>", "<|im_start|>user"),
    "qwen2_5": ("", "<|im_end|>", "<|im_start|>user"),
    "llama3": ("<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>user<|end_header_id|>"),
    "gemma": ("<bos>", "<end_of_turn>", "<start_of_turn>user"),
    "deepseek_r1_distill": ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>"),
    "phi3": ("<s>", "<|end|>", "<|user|>"),
}
SMOLLM = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}"
    "{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""SmolLM2-Instruct's."""


def _tokenizer(name: str) -> Any:
    """Letters and the template's special tokens, with the public template."""
    if name == "smollm2":
        bos, eos, user, text = "<|im_start|>", "<|im_end|>", "<|im_start|>user", SMOLLM
    else:
        trl = pytest.importorskip("trl", reason="the public templates come with it")
        file = Path(str(resources.files(trl))) / "chat_templates" / f"{name}.jinja"
        if not file.is_file():
            pytest.skip(f"this version of trl has no {name}.jinja")
        bos, eos, user = TEMPLATES[name]
        text = file.read_text(encoding="utf-8")
    specials = [t for t in dict.fromkeys([bos, eos, *_words(user)]) if t]
    tokenizer = make_tokenizer([*LETTERS, *specials])
    tokenizer.add_special_tokens(
        {"additional_special_tokens": specials, "eos_token": eos, **({"bos_token": bos} if bos else {})}
    )
    tokenizer.chat_template = text
    return tokenizer


def _words(user: str) -> list[str]:
    import re

    return re.findall(r"<[^>]*>", user)


def _encoder(name: str, **data: Any) -> PromptEncoder:
    return PromptEncoder(_tokenizer(name), DataConfig(task="arithmetic", **data))


ALL = [*TEMPLATES, "smollm2"]


@pytest.mark.parametrize("name", ALL)
def test_a_prompt_has_one_begin_one_rendering_and_is_what_the_tokenizer_renders(name: str) -> None:
    encode = _encoder(name)
    expected = encode.tokenizer.apply_chat_template(
        [{"role": "user", "content": "2+3?"}], tokenize=False, add_generation_prompt=True
    )
    assert encode.text("2+3?") == expected
    assert encode.text([{"role": "user", "content": "2+3?"}]) == expected
    assert encode.text(expected) == expected  # rendered already
    assert encode(expected) == encode("2+3?")
    bos = encode.tokenizer.bos_token_id
    if bos is not None and expected.startswith(encode.bos) and name != "smollm2":
        assert encode("2+3?").count(bos) == 1
        assert encode.text(expected.removeprefix(encode.bos)) == expected


@pytest.mark.parametrize("name", ALL)
def test_a_conversation_that_brings_its_system_turn_keeps_it_alone(name: str) -> None:
    encode = _encoder(name, system="Be kind.")
    own = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    try:
        text = encode.text(own)
    except DataError as error:
        assert "template" in str(error)  # noqa: PT017 - templates without a system turn, such as Gemma's first
        return
    assert "Be brief." in text
    assert "Be kind." not in text
    assert "Be kind." in encode.text("hi")
    with pytest.raises(DataError, match="through the chat template already"):
        encode.text(text)


@pytest.mark.parametrize("name", ALL)
def test_the_assistants_words_are_continued(name: str) -> None:
    encode = _encoder(name)
    begun = [{"role": "user", "content": "2+3?"}, {"role": "assistant", "content": "The sum is"}]
    text = encode.text(begun)
    assert text.startswith(encode.text("2+3?"))
    assert text.endswith("The sum is")
    assert encode.begun(begun).endswith("The sum is")


def test_what_opens_reasoning_is_known_to_every_reward() -> None:
    from veritune import get_reward

    encode = _encoder("deepseek_r1_distill")
    assert encode.text("2+3?").endswith("<think>\n")
    rollout = Rollout(0, [1], [2], [0.0], "eos", "two and three</think>\n\\boxed{5}")
    (sample,) = make_samples([rollout], [Row("2+3?", {"gold": "5"})], encode.begun)
    assert sample.text == "<think>\ntwo and three</think>\n\\boxed{5}"
    for name in ("think_format", "reasoning_accuracy"):
        assert get_reward(name).score(sample).value == 1.0
    rollout.text = "so maybe \\boxed{5}. But wait,"
    (unfinished,) = make_samples([rollout], [Row("2+3?", {"gold": "5"})], encode.begun)
    assert get_reward("accuracy").score(unfinished).value == 0.0


def test_a_tag_is_not_opened_twice() -> None:
    prefilled = _encoder("deepseek_r1_distill", prefill="<think>")
    assert prefilled.text("2+3?").count("<think>") == 1
    assert prefilled.begun("2+3?") == "<think>\n"
    words = [{"role": "user", "content": "2+3?"}, {"role": "assistant", "content": "<think>\nLet me"}]
    assert _encoder("deepseek_r1_distill").text(words).endswith("<think>\nLet me")
    assert _encoder("deepseek_r1_distill").text(words).count("<think>") == 1
    plain = _encoder("qwen2_5", prefill="<think>")
    assert plain.text("2+3?").endswith("<think>")
    assert plain.begun("2+3?") == "<think>"


def test_a_demonstration_does_not_repeat_what_the_template_has_begun() -> None:
    assert without_beginning("<think>\na</think>", "<think>\n") == "a</think>"
    assert without_beginning("<think>a</think>", "<think>\n") == "a</think>"
    assert without_beginning("a", "") == "a"
    assert without_beginning("b</think>", "<think>\n") == "b</think>"


def test_the_templates_own_settings_reach_it() -> None:
    on, off = _encoder("qwen3"), _encoder("qwen3", chat_template_kwargs={"enable_thinking": False})
    assert on.text("hi") != off.text("hi")
    assert off.text("hi").endswith("<think>\n\n</think>\n\n")
    assert off.begun("hi") == ""


def test_a_plain_prompt_has_one_begin_and_no_end() -> None:
    """Of a tokenizer that puts a token on either side of every text."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = make_tokenizer([*LETTERS, "<bos>"])
    tokenizer.add_special_tokens({"bos_token": "<bos>"})
    begin, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", begin), ("<eos>", end)]
    )
    assert tokenizer("ab")["input_ids"][-1] == end
    encode = PromptEncoder(tokenizer, DataConfig(task="arithmetic"))
    assert encode("ab") == [begin, *tokenizer("ab", add_special_tokens=False)["input_ids"]]
    assert encode("<bos>ab") == encode("ab")
    assert encode.many(["a", "<bos>a"])[0] == encode.many(["a", "<bos>a"])[1]


def test_a_role_that_the_template_leaves_out_is_named() -> None:
    tokenizer = make_tokenizer(LETTERS)
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] in ('user', 'assistant') %}{{ m['content'] }}{% endif %}{% endfor %}"
    )
    encode = PromptEncoder(tokenizer, DataConfig(task="arithmetic"))
    with pytest.raises(DataError, match="leaves out messages of role 'developer'"):
        encode([{"role": "developer", "content": "x"}, {"role": "user", "content": "y"}])
