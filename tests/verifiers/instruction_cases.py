# ruff: noqa: E501
"""Instruction types: an answer that follows each, and one that does not."""

from __future__ import annotations

from typing import Any

PARTS = "First part.\n\nSecond part.\n\nThird: part."
GERMAN = "Das Wetter ist heute sehr schön, und wir gehen am Nachmittag im Wald spazieren."
CASES: list[tuple[str, dict[str, Any], str, str]] = [
    # id, arguments, an answer that follows it, one that does not
    ("keywords:existence", {"keywords": ["walk", "C++"]}, "Walking in c++.", "Walking in C."),
    ("keywords:existence", {"keywords": ["a.m."]}, "At 9 A.M. sharp", "At 9 axmx sharp"),
    ("keywords:frequency", {"keyword": "sea", "frequency": 2, "relation": "at least"}, "Sea, seas", "The sea"),
    ("keywords:frequency", {"keyword": "sea", "frequency": 1, "relation": "less than"}, "Ocean", "Sea"),
    ("keywords:forbidden_words", {"forbidden_words": ["cat", "C++"]}, "A catalogue", "A CAT."),
    ("keywords:forbidden_words", {"forbidden_words": ["C++"]}, "C and C+", "I use c++ daily"),
    ("keywords:forbidden_words", {"forbidden_words": ["中文"]}, "我说英语", "我说中文吗"),
    ("keywords:letter_frequency", {"letter": "Q", "let_frequency": 2, "let_relation": "at least"}, "qQ", "q"),
    ("keywords:letter_frequency", {"letter": "!", "let_frequency": 2, "let_relation": "at least"}, "a! b!", "a! b"),
    ("length_constraints:number_words", {"num_words": 4, "relation": "less than"}, "don't go", "one two three four"),
    ("length_constraints:number_words", {"num_words": 3.0, "relation": "at least"}, "हिन्दी भाषा अच्छी", "हिन्दी भाषा"),
    ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "at least"}, "One is. Two is! Three?", "Dr. Ann is. Two is."),
    ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "less than"}, "1. One.\n2. Two.", "One is. Two is. Three is."),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "at least"}, "今天很好。我们走吧！", "今天很好，走吧"),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n\n***\n\nb\n***", "a\n***\n\n***\nb"),
    ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 3, "nth_paragraph": 3, "first_word": "third"}, PARTS, PARTS[:-1] + "\n\nmore"),
    ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Two"}, 'a\n\n\n\n"Two," he said', "a\n\nto b"),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[name] and [address]", "[name] and []"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye.\n\np. s. again", "Bye, PS again"),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "P.P.S. b", "P.S. b"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "a\n* b\n- c\n---\n*note*", "* b\n* c\n* d"),
    ("detectable_format:constrained_response", {}, "My answer is no.", "My answer is yes. My answer is no."),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* and **b c**", "* **a**: only one"),
    ("detectable_format:multiple_sections", {"section_spliter": "SECTION", "num_sections": 2}, "SECTION 1\na\nSECTION 2\nb", "SECTION 1\na\nSECTION 1\nb"),
    ("detectable_format:json_format", {}, '```json\n{"a": [1, 2]}\n```', '{"a": [1, 2]'),
    ("detectable_format:json_format", {}, "[1]", "[NaN]"),
    ("detectable_format:title", {}, "<<poem of joy>>\nx", "<< >> <poem>"),
    ("combination:two_responses", {}, "one\n******\ntwo", "one\n******\none"),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say hi."}, "say hi. Hi!", "Hi! Say hi."),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say hi."}, "Say hi.\n\nHi", "Say hi."),
    ("startend:end_checker", {"end_phrase": "The end."}, 'Once. THE END."', "The end. Really."),
    ("startend:quotation", {}, '"all of it"', '"part" of it'),
    ("startend:quotation", {}, "“all of it”", '""'),
    ("change_case:capital_word_frequency", {"capital_frequency": 2, "capital_relation": "at least"}, "I am OK", "I am fine"),
    ("change_case:capital_word_frequency", {"capital_frequency": 1, "capital_relation": "less than"}, "none", "WELL-BEING"),
    ("change_case:english_capital", {}, "THE WEATHER IS VERY NICE TODAY.", GERMAN.upper()),
    ("change_case:english_capital", {}, "YES", "YES it is"),
    ("change_case:english_lowercase", {}, "the weather is very nice today.", GERMAN.lower()),
    ("change_case:english_lowercase", {}, "the weather is nice", "12 + 30"),
    ("language:response_language", {"language": "de"}, GERMAN, "The weather is very nice today, and we walk."),
    ("language:response_language", {"language": "hi"}, "आज मौसम बहुत अच्छा है और हम घूमने जाएंगे।", GERMAN),
    ("language:response_language", {"language": "ne"}, "आज मौसम धेरै राम्रो छ र हामी घुम्न जान्छौं, बिहान उडानले काठमाडौंबाट जानुहोस्।", "1 + 1 = 2"),
    ("punctuation:no_comma", {}, "a; b", "a, b"),
    ("punctuation:no_comma", {}, "甲和乙。", "甲，乙。"),
]  # fmt: skip
