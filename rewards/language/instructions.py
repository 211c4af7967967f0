"""Sentences that say how to answer, and not what is asked: they may be in another language than the question."""

from __future__ import annotations

import re

_SPACED = (
    # English
    r"step[- ]by[- ]step|final answer|(?:put|place|write|give|provide|state|return|enclose|box) (?:your|the|only)\b|"
    r"please|you are (?:a|an)\b|(?:answer|solve) the (?:following )?(?:question|problem|task)|"
    r"the following (?:question|problem|task|math)|think (?:carefully|about|through|before|first)|"
    r"reason (?:carefully|step)|show (?:your|all) (?:work|steps)|let'?s think|within (?:the )?(?:tags|box)|"
    r"respond (?:in|with|only)|"
    r"your (?:final )?(?:answer|response|reasoning|solution)|here is (?:a|the) (?:question|problem|task)|"
    r"a conversation between|the (?:user|assistant) (?:asks|first|solves|thinks)|"
    # German, French, Spanish, Italian, Portuguese, Dutch
    r"schritt für schritt|schrittweise|bitte|(?:endgültige|abschließende|finale)n? antwort|"
    r"(?:beantworte|löse|denke|gib)n?\b.{0,40}(?:frage|aufgabe|problem|antwort|nach|schritt)|deine antwort|"
    r"étape par étape|réponse finale|veuillez|s'il (?:te|vous) pla[iî]t|(?:réponds|répondez|résous|résolvez)|"
    r"réfléchis\w*|(?:ta|votre) réponse|paso a paso|respuesta final|por favor|"
    r"(?:responde|resuelve|piensa|razona|contesta)\b|"
    r"(?:tu|su) respuesta|passo (?:dopo|per|a) passo|risposta finale|per favore|(?:risolvi|rispondi|ragiona)\b|"
    r"(?:la tua|sua) risposta|resposta final|(?:responda|resolva|pense|raciocine)\b|sua resposta|stap voor stap|"
    r"uiteindelijke antwoord|alsjeblieft|beantwoord|los .{0,30} op\b|"
    # Russian, Swahili, Polish, Turkish, Vietnamese, Indonesian
    r"шаг за шагом|пошагово|пожалуйста|окончательн\w+ ответ|итогов\w+ ответ|реши(?:те)?\b|ответь(?:те)?\b|"
    r"(?:рас|по)суждай(?:те)?|подумай(?:те)?|(?:свой|ваш) ответ|следующ\w+ (?:задач|вопрос)\w*|"
    r"hatua kwa hatua|tafadhali|jibu (?:la mwisho|lako|swali)|fikiri\w*|tatua\b|krok po kroku|proszę|"
    r"(?:ostateczn|końcow)\w+ odpowied\w+|rozwiąż|odpowiedz\b|adım adım|lütfen|(?:son|nihai) cevap\w*|cevabını\w*|"
    r"từng bước|vui lòng|hãy|đáp án cuối|câu trả lời cuối|langkah demi langkah|tolong|jawaban akhir|"
    # Arabic, Hindi, Bengali, Telugu, Korean
    r"خطوة بخطوة|من فضلك|الإجابة النهائية|أجب عن|حل المسألة|चरण[- ]दर[- ]चरण|कृपया|अंतिम उत्तर|ধাপে ধাপে|অনুগ্রহ|দয়া করে|"
    r"চূড়ান্ত উত্তর|উত্তর দিন|సమాధాన\w* ఇవ్వ|దశల\s?వారీగా|అంచెలంచెలుగా|దయచేసి|తుది సమాధాన|단계별|단계적|차근차근|최종 (?:답|정답)|"
    r"(?:답|풀|생각)\w*(?:하세요|주세요|하시오)"
)
_UNSPACED = (
    r"请|請|逐步|一步一步|一步步|分步|最终答案|最終答案|最后答案|最後答案|推理过程|推理過程|方框|框内|回答以下|回答下列|解答以下|解决以下|"
    r"解決以下|以下问题|以下問題|下面的问题|你的答案|"
    r"ステップ(?:バイステップ|ごと)|段階的|順を追って|一歩ずつ|ください|下さい|最終的な(?:答え|回答|解答)|最終回答|次の(?:問題|質問)|"
    r"ทีละขั้น|กรุณา|โปรด|คำตอบสุดท้าย|ตอบคำถามต่อไปนี้|แก้โจทย์|คิดอย่าง"
)
_SAYS = re.compile(rf"(?<!\w)(?:{_SPACED})|{_UNSPACED}", re.IGNORECASE)
_FORM = re.compile(r"\\boxed|</?\w{2,12}>|\{answer\}|\bJSON\b|####")
"""How the answer is to be written: a box, tags, a form."""
_SENTENCES = re.compile(r"(?<=[.!?。！？।])\s+|(?<=[。！？])|\n+")
_ASKS = re.compile(r"[?？؟]\s*$")
_DIGIT = re.compile(r"\d")


def without_instructions(question: str) -> str:
    """The sentences that ask or tell something. Empty where every sentence reads like an instruction."""
    return "\n".join(s for s in _SENTENCES.split(question) if s and not _instructs(s))


def put(question: str) -> str:
    """The sentences that end in a question mark or have numbers; all where none does."""
    sentences = [s for s in _SENTENCES.split(question) if s]
    return "\n".join([s for s in sentences if _puts(s)] or sentences)


def _instructs(sentence: str) -> bool:
    return _FORM.search(sentence) is not None or (not _puts(sentence) and _SAYS.search(sentence) is not None)


def _puts(sentence: str) -> bool:
    """Whether it puts a question or gives numbers to count with."""
    return _ASKS.search(sentence) is not None or _DIGIT.search(sentence) is not None
