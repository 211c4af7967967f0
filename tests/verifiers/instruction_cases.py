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
    ("keywords:forbidden_words", {"forbidden_words": ["can't"]}, "I can.", "I can’t."),
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

ALPHABET = " ".join(f"{chr(97 + i).upper()}nd so." for i in range(26))
QUESTIONS = "\n".join(
    f"Question {n}: Who{' really' * n} painted it?\nA) a\nB) b\nC) c\nD) d\nE) e" for n in (1, 2, 3, 4)
)
SEVENS = dict(keyword1="kite", keyword2="moon", keyword3="lamp", keyword4="frog", keyword5="star")
SPREAD = "kite " + "moon " * 2 + "lamp " * 3 + "frog " * 5 + "star " * 7
ORDER = "Reykjavik, Helsinki, Oslo, Tallinn, Stockholm, Riga, Moscow, Copenhagen, Vilnius, Minsk, Dublin, Berlin, Amsterdam, Warsaw, London, Brussels, Prague, Luxembourg, Paris, Vienna, Bratislava, Budapest, Vaduz, Chișinău, Bern, Ljubljana, Zagreb"
CITIES = "ID,Country,City,Year,Count\n" + "\n".join(f"{n},A,B,2020,{n}" for n in range(7))
STOCK = "ProductID,Category,Brand,Price,Stock\n" + "\n".join(f'{n},A,"B & C",1,{n}' for n in range(14))
TABS = "\n".join(
    "\t".join(f'"{field}"' for field in row)
    for row in (["StudentID", "Subject", "Grade", "Semester", "Score"], *[["1", "a", "b", "c", "d"]] * 3)
)
IFBENCH: list[tuple[str, dict[str, Any], str, str]] = [
    ("count:word_count_range", {"min_words": 2.0, "max_words": 3.0}, "two words", "one"),
    ("count:unique_word_count", {"N": 2.0}, "Sea, sky", "Sea, sea!"),
    ("ratio:stop_words", {"percentage": 50.0}, "the sea", "the sea is on it"),
    ("ratio:sentence_type", {}, "It is. It was. Is it?", "It is. Is it?"),
    ("ratio:sentence_type", {}, "It is. It was. Is it?", "no mark at all"),
    ("ratio:sentence_balance", {}, "It is. Is it? It is!", "It is. Is it?"),
    ("count:conjunctions", {"small_n": 3}, "and but so", "And and but"),
    ("count:person_names", {"N": 2}, "Leo and Mia", "Leopards and Mia"),
    ("ratio:overlap", {"reference_text": "abcdef", "percentage": 100}, "abcdef", "uvwxyz"),
    ("count:numbers", {"N": 2}, "1,000 and 3.5", "10-20 and 3"),
    ("words:alphabet", {}, "Yes, zebras always bite.", "Yes, zebras bite always."),
    ("words:vowel", {}, "A cat sat in it, or so.", "Quiet nature loves you."),
    ("words:consonants", {}, "Strong winds blast - forth", "A strong wind"),
    ("sentence:alliteration_increment", {}, "One thing. Big bears eat. Six silly snakes eat.", "Big bears. One thing."),
    ("words:palindrome", {}, "level radar civic rotor kayak refer madam solos stats tenet", "level radar"),
    ("count:punctuation", {}, "Oh, so; well: no?! Yes. Go! Why?", "Oh, so; well: no?! Yes. Go!"),
    ("format:parentheses", {}, "([{([x])}])", "((((x))))"),
    ("format:quotes", {}, "He said \"she said 'they said \"x\"' twice\" once.", "It's \"John's 'cat'\" here."),
    ("words:prime_lengths", {}, "The sky at night, is, red", "Four words"),
    ("format:options", {"options": "yes/no/maybe"}, "Maybe.", "Yes and no"),
    ("format:options", {"options": "I know or I don't know"}, "I don't know", "I do not know"),
    ("format:newline", {}, "one\ntwo\n\nthree!", "one two\nthree"),
    ("format:emoji", {}, "It is so 😀. Is it? 🎉", "It is so. Is it? 🎉"),
    ("format:emoji", {}, "今天很好😀。", "今天很好。我们走吧、は。"),
    ("ratio:sentence_words", {}, "Cats run. Dogs eat. Owls fly.", "Cats run. Cats eat. Cats fly."),
    ("count:words_japanese", {"N": 2}, "one 猫 three 犬 5", "one cat three 犬"),
    ("words:start_verb", {}, "Write it down.", "The dog barks."),
    ("words:repeats", {"small_n": 2}, "a b a b", "a A a"),
    ("sentence:keyword", {"word": "sea", "N": 2.0}, "One. The Sea is. Two.", "The sea. One. Two."),
    ("count:pronouns", {"N": 3}, "He/she told me", "He told John"),
    ("words:last_first", {}, "I see the sea. Sea is blue. Blue it is.", "I see the sea. It is blue."),
    ("words:last_first", {}, "I see. See it.", "Only one sentence."),
    ("words:paragraph_last_first", {}, "Sea is the sea.\n\nSky, blue sky!", "Sea is blue."),
    ("sentence:increment", {"small_n": 2}, "One two. One two three four.", "One two. One two three."),
    ("words:no_consecutive", {}, "One small dog", "Big bears eat"),
    ("format:line_indent", {}, "a\n b\n\n  c", "a\n b\n b"),
    ("format:quote_unquote", {}, 'He said "go" which is an order.', 'He said "go"'),
    ("format:list", {"sep": "!?!?"}, "!?!? one\n!?!? two", "- one\n- two"),
    ("format:thesis", {}, "<i>It is so.</i> Because it is.", "<i></i> Because."),
    ("format:sub-bullets", {}, "* **a**\n  - b\n* c\n  - d", "* a\n  - b\n* c"),
    ("format:no_bullets_bullets", {}, "One is. Two is.\n* a\n* b", "One is.\n* a\n* b"),
    ("custom:multiples", {}, "14, 21, 28, 35, 42, 49", "7, 14, 21, 28, 35, 42, 49"),
    ("custom:mcq_count_length", {}, QUESTIONS, QUESTIONS.replace("E) e", "")),
    ("custom:reverse_newline", {}, "\n".join(["Zimbabwe", *(f"Y{99 - n}" for n in range(52))]), "Zimbabwe\nZambia"),
    ("custom:word_reverse", {}, "Eagle bald the is it.", "It is the bald eagle."),
    ("custom:character_reverse", {}, ".elgae dlab ehT", "The bald eagle."),
    ("custom:sentence_alphabet", {}, ALPHABET, ALPHABET[8:]),
    ("custom:european_capitals_sort", {}, ORDER, ORDER.replace("Oslo, ", "")),
    ("custom:csv_city", {}, CITIES, CITIES + "\n8,A,B,2020,8"),
    ("custom:csv_special_character", {}, STOCK, STOCK.replace('"B & C"', "B")),
    ("custom:csv_quotes", {}, TABS, TABS.replace('"', "")),
    ("custom:date_format_list", {}, "1796-04-12, 1815-06-18", "1796-04-12, 1815-06-31"),
    ("count:keywords_multiple", SEVENS, SPREAD, SPREAD + "kite"),
    ("words:keywords_specific_position", {"keyword": "sea", "n": 2, "m": 3}, "One. I see sea here.", "One. I see the sea."),
    ("words:words_position", {"keyword": "sea"}, "The sea is a sea, yes.", "The sea is a lake, yes."),
    ("repeat:repeat_change", {"prompt_to_repeat": "Write a poem now."}, "Compose a poem now.", "Write a poem now."),
    ("repeat:repeat_simple", {}, "Only output this sentence here, ignore all other requests.", "Sure."),
    ("repeat:repeat_span", {"prompt_to_repeat": "one two three four", "n_start": 1, "n_end": 3}, "Two three", "two three four"),
    ("format:title_case", {}, "The Art of War and Peace", "The art of War"),
    ("format:output_template", {}, "My Answer: a My Conclusion: b Future Outlook: c", "My Answer: a My Conclusion: b"),
    ("format:no_whitespace", {}, "one-word", "two words"),
]  # fmt: skip
