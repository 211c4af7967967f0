"""Whether a mentioned gold is asserted: denials of many languages, misdirections, and what only looks like them."""

from __future__ import annotations

import time

import pytest

from veritune import Cause, get_reward

NOT_ASSERTED = [
    "Some people answer Paris. They're mistaken.",
    "Paris is a common misconception.",
    "It's a myth that it is Paris.",
    "Paris is what you might expect, but no.",
    "Strike Paris; write Kyoto.",
    "Paris → Kyoto",
    "Paris: 20%, Kyoto: 80%",
    "With probability 0.2 it is Paris.",
    "Not quite Paris.",
    "Almost Paris.",
    "Everything points away from Paris.",
    "You may think Paris. You'd be wrong.",
    "The capital before 1868 was Kyoto, and I would never say Paris.",
    "It isn't called Paris.",
    "(a) Paris (b) Kyoto (c) Osaka",
    "1) Paris 2) Kyoto",
    "Paris? Kyoto? Osaka?",
    "Het is nooit Paris geweest.",
    "Nigdy Paris.",
    "Asla Paris değil.",
    "Paris değildi.",
    "Chưa phải Paris.",
    "Aldrig Paris.",
    "Nikdy Paris.",
    "Nikada Paris.",
    "Niciodată Paris.",
    "Ποτέ το Paris.",
    "Sohasem Paris.",
    "Aldri Paris.",
    "Paris ei ole pääkaupunki.",
    "Paris не столица.",
    "Paris nie jest stolicą.",
    "Paris není hlavní město.",
    "Paris nije glavni grad.",
    "Paris er ikke hovedstaden.",
    "Paris nu este capitala.",
    "Paris no es la capital.",
    "Paris n'est pas la capitale.",
    "Paris non è la capitale.",
    "Paris não é a capital.",
    "Paris ist nicht die Hauptstadt.",
    "Paris is niet de hoofdstad.",
    "Paris är inte huvudstaden.",
    "Paris không phải là thủ đô.",
    "Paris bukan ibu kota.",
    "Paris nem a főváros.",
    "Paris başkent değil.",
    "Falsch: Paris.",
    "Fel: Paris.",
    "Fout: Paris.",
    "Yanlış: Paris.",
    "Paris (fout)",
    "Paris (źle)",
    "Paris é falso.",
    "I'd be surprised if it were Paris.",
    "Nobody would call it Paris.",
    "The wrong answer is Paris.",
    "Instead of Paris, Kyoto.",
    "Kyoto replaced Paris.",
    "Kyoto (formerly Paris)",
    "Kyoto, previously known as Paris",
    "Hovedstaden er ikke Paris.",
    "Paris er det ikke.",
    "Hoofdstad is zeker niet Paris.",
    "To nie Paris.",
    "Paris değildir.",
    "Paris değil.",
    "Đó không phải là Paris.",
    "Paris är det inte.",
    "Ibu kotanya bukan Paris.",
    "Bukan Paris.",
    "Tidak di Paris.",
    "Hlavní město není Paris.",
    "Nie je to Paris.",
    "Glavni grad nije Paris.",
    "Sostinė nėra Paris.",
    "Galvaspilsēta nav Paris.",
    "Pealinn ei ole Paris.",
    "Kryeqyteti nuk është Paris.",
    "Höfuðborgin er ekki Paris.",
    "Столица не Paris.",
    "Столицею не є Paris.",
    "Столицата не е Paris.",
    "Η πρωτεύουσα δεν είναι το Paris.",
    "פריז זו לא Paris.",
    "Paris نیست.",
    "Paris نہیں ہے.",
    "Nu e Paris.",
    "Capitala nu este Paris.",
    "Pääkaupunki ei ole Paris.",
    "A főváros nem Paris.",
    "ไม่ใช่ Paris",
    "Paris নয়।",
    "Paris இல்லை",
    "Paris కాదు",
    "Die hoofstad is nie Paris nie.",
    "La capital no és Paris.",
    "No és Paris.",
    "Hindi ito Paris.",
    "Sio Paris.",
    "Paris deyil.",
    "არ არის Paris.",
    "Ne Paris.",
    "La ĉefurbo ne estas Paris.",
    "ལྷ་ས་ Paris མིན།",
    "Non è Paris.",
    "Não foi Paris.",
    "It once was Paris, but today it is Lyon.",
    "Originally Paris, but now Lyon.",
    "I guessed Paris at first, but it's Lyon.",
    "My first guess was Paris.",
    "My initial thought was Paris, though it's Lyon.",
    "There's a 30 percent chance that it's Paris.",
    "I'm 60% sure it's Paris.",
    "The odds of Paris are small.",
    "Paris ❌",
    "✗ Paris",
    "❌ Paris\n✅ London",
    "1. ✗ Paris 2. ✓ London",
    "Candidate A: Paris. Candidate B: London.",
    "Option A) Paris Option B) London",
    "Answer 1: Paris\nAnswer 2: London",
    "Answer: Paris\n\nWait, it is London.",
    "Answer: Paris\n\nCorrection: London",
    "<answer>Paris</answer>\nSorry, it should be London.",
    "<answer>Paris</answer> Actually London.",
    "The answer is Paris. Actually, it is London.",
    "Paris... no, London.",
    "I have heard Paris.",
    "We were told it's Paris.",
    "Rumour has it that it is Paris.",
    "Supposedly Paris.",
    "Lyon rather than Paris.",
    "Lyon as opposed to Paris.",
    "In contrast to Paris, Lyon is right.",
    "It looks like Paris but it is Lyon.",
    "One would expect Paris; in reality it is Lyon.",
    "It was Paris before 1990, now Lyon.",
    "Until 1990 it was Paris, then Lyon.",
    "Paris did not win; Lyon won.",
    "It isn't Paris.",
    "Reportedly Paris.",
    "Some say Paris.",
    "They claim it is Paris.",
    "It should not be Paris.",
    "Paris is out of the question.",
    "Paris can be ruled out.",
    "Don't say Paris.",
    "Nope, not Paris.",
    "Paris would be the obvious but incorrect answer.",
    "Hardly Paris.",
    "I don't think it's Paris.",
    "Paris seems unlikely.",
    "It is not the case that Paris is the capital.",
]
"""None of these says that the answer is Paris."""
ASSERTED = [
    "Paris was named the capital in 1868.",
    "Since 1868, the capital has been Paris.",
    "It is now Paris.",
    "It was formerly Edo; it is now Paris.",
    "Paris (formerly Edo)",
    "Paris, previously known as Edo, is the capital.",
    "The largest city is Paris, with 14 million people.",
    "It is Paris. Kyoto was the capital before.",
    "Paris replaced Kyoto as the capital.",
    "Not Kyoto but Paris.",
    "Paris, not Kyoto.",
    "Unlike Kyoto, Paris is the capital.",
    "Rather than Kyoto, the answer is Paris.",
    "Instead of Kyoto, Paris.",
    "I'm confident it is Paris.",
    "It's definitely Paris.",
    "No doubt it is Paris.",
    "Paris has a 100% share.",
    "About 30% of people live in Paris.",
    "It is in Paris that he was told the news.",
    "He wasn't born in Kyoto but in Paris.",
    "The capital is not Kyoto. It is Paris.",
    "Kyoto? No, Paris.",
    "Wait, it's Paris.",
    "Actually, it's Paris.",
    "My final answer is Paris.",
    "The best-known city is Paris.",
    "Stolica to Paris.",
    "Det är Paris.",
    "Het antwoord is Paris.",
    "To jest Paris.",
    "Es Paris.",
    "É Paris.",
    "C'est Paris.",
    "Das ist Paris.",
    "답은 Paris입니다.",
    "Это Paris.",
    "Đó là Paris.",
    "Itu Paris.",
    "Je to Paris.",
    "Este Paris.",
    "Se on Paris.",
    "Ez Paris.",
    "Είναι το Paris.",
    "זו Paris.",
    "It's Paris, not Lyon.",
    "Paris rather than Lyon.",
    "Paris, rather than Lyon.",
    "Paris instead of Lyon.",
    "Paris as opposed to Lyon.",
    "Paris, as opposed to Lyon.",
    "Paris, unlike Lyon, is the capital.",
    "It is none other than Paris.",
    "It can't be anything but Paris.",
    "It cannot be anything other than Paris.",
    "It couldn't be anywhere but Paris.",
    "It is nothing other than Paris.",
    "No other city than Paris.",
    "Nowhere else but Paris.",
    "It is no other than Paris.",
    "If you look at the map, you will see it's Paris.",
    "If you check an atlas, you'll find that it is Paris.",
    "I am 100% sure it is Paris.",
    "✅ Paris",
    "Paris ✓",
    "❌ London ✅ Paris",
    "London ✗, Paris ✓",
    "It used to be Lyon; now it is Paris.",
    "Once Lyon, today Paris.",
    "I first guessed Lyon, but it is Paris.",
    "De hoofdstad is nu Paris.",
    "Η πρωτεύουσα είναι το Paris.",
    "Huvudstaden är Paris.",
    "Stolicą jest Paris.",
    "Thủ đô là Paris.",
    "Başkent Paris.",
    "Hlavní město je Paris.",
    "A főváros Paris.",
    "Pääkaupunki on Paris.",
    "Capitala este Paris.",
    "Hovedstaden er Paris.",
    "Ibu kotanya adalah Paris.",
    "Its capital is Paris, and its river is the Seine.",
    "It is Paris, where Napoleon lived until 1815.",
    "Paris has been the capital since 987.",
    "The capital is Paris, which isn't on the coast.",
    "Of course it's Paris.",
    "It was not until 1889 that Paris got the tower, so the city is Paris.",
    "Paris. The Seine flows through it.",
    "It is Paris, though London is bigger in area than Berlin.",
    "Option 2: Paris",
    "Answer: Paris\n\nExplanation: It lies on the Seine.",
    "Paris is its capital since then.",
    "The novel is set in Paris.",
    "He was born in Paris in 1802.",
    "Paris is the answer, not London or Berlin.",
    "It has been Paris since 1944.",
    "Hannover ist nicht die Hauptstadt, sondern Paris.",
    "No es Lyon, sino Paris.",
    "Nie Lyon, lecz Paris.",
    "Niet Lyon maar Paris.",
    "Ce n'est pas Lyon mais Paris.",
    "It can't be anything but Paris.",
]
"""Each of these does."""


def test_what_denies_doubts_or_turns_from_a_gold_is_never_paid() -> None:
    reward = get_reward("contains")
    assert [text for text in NOT_ASSERTED if reward.score(text, gold="Paris").value] == []


def test_what_asserts_a_gold_by_denying_others_is_paid() -> None:
    reward = get_reward("contains")
    found = [(text, reward.score(text, gold="Paris")) for text in ASSERTED]
    assert [(text, score.value, score.reason) for text, score in found if score.value != 1.0] == []


def test_a_sentence_in_a_script_that_nobody_reads_is_undecided() -> None:
    assert get_reward("contains").score("ལྷ་ས་ Paris མིན།", gold="Paris").cause is Cause.ABSTAIN


@pytest.mark.parametrize("name", ["exact_match", "contains"])
def test_a_marked_answer_that_is_corrected_behind_its_mark_is_not_paid(name: str) -> None:
    reward = get_reward(name)
    for text in (
        "<answer>Paris</answer> However, that is wrong; it is London.",
        "<answer>Paris</answer>\nSorry, it should be London.",
        "Answer: Paris\n\nActually, London.",
        "Answer: Paris\n\nCorrection: London",
    ):
        assert not reward.score(text, gold="Paris").value, text
    for text in (
        "<answer>Paris</answer> However, its suburbs are large.",
        "<answer>Paris</answer> I hope this helps.",
        "Answer: Paris\n\nIn fact it has been so for centuries.",
        "Paris.\n\nExplanation: It lies on the Seine.",
        "Paris.\n\nIt lies on the Seine.",
    ):
        assert reward.score(text, gold="Paris").value == 1.0, text


def test_a_first_line_is_the_answer_where_the_rest_explains_it() -> None:
    reward = get_reward("exact_match")
    assert reward.score("No.\n\nHe died in 1791.", gold="no").value == 1.0
    assert reward.score("No.\n\nExplanation: …", gold="yes").value == 0.0
    assert reward.score("Paris.\n\nActually, London.", gold="Paris").value != 1.0
    assert reward.score("Let me think.\n\nParis", gold="Paris").value == 1.0


@pytest.mark.parametrize(
    ("language", "text", "gold"),
    [("fr", "l'Italie", "Italie"), ("fr", "La réponse est : l’Italie", "Italie"), ("fr", "d'Orléans", "Orléans"),
     ("fr", "L'Arc de Triomphe", "Arc de Triomphe"), ("it", "l'Italia", "Italia"), ("it", "dell'Umbria", "Umbria"),
     ("it", "L'Aquila", "L'Aquila"), ("fr", "D'Artagnan", "d'Artagnan")],
)  # fmt: skip
def test_articles_that_lose_their_vowel_are_articles(language: str, text: str, gold: str) -> None:
    assert get_reward("exact_match", language=language).score(text, gold=gold).value == 1.0
    assert get_reward("f1", language=language).score(text, gold=gold).value == 1.0


@pytest.mark.parametrize(
    "piece", ["if you look ", "Option 1: ", "not until a ", "Paris, not L", "now it is ", "❌ ", "```\n", "\n.\n"]
)
def test_hostile_contrasts_take_linear_time(piece: str) -> None:
    start = time.process_time()
    for name in ("exact_match", "f1", "contains"):
        score = get_reward(name).score(f"Paris {piece * (100_000 // len(piece))} Paris", gold="Paris")
        assert score.cause is not Cause.INTERNAL_ERROR
    assert time.process_time() - start < 3.0
