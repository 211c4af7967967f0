"""Sentences that say how to answer, and not what is asked: they may be in another language than the question."""

from __future__ import annotations

import re

from veritune.rewards.language.requests import asks_for_a_form, is_request

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
    r"(?:ostateczn|końcow)\w+ odpowied\w+|rozwiąż|odpowiedz\b|adim adim|lütfen|(?:son|nihai) cevap\w*|cevabini\w*|"
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
_SAYS = re.compile(rf"(?<!\w)(?:{_SPACED})|{_UNSPACED}")
"""Of a sentence in lower case, as ``_SHAPE`` is: so alternatives are told by their first letter."""
_FORM = re.compile(r"\\boxed|</?\w{2,12}>|\{answer\}|\bJSON\b|####")
"""How the answer is to be written: a box, tags, a form."""
_SHAPE_WORDS = (
    # what becomes of the answer
    r"(?:output|give|write|express|report|return|provide|round|submit|present|format|print|enter|state)\b[^.?!]{0,40}"
    r"\b(?:answer|result|solution|response)s?\b|"
    r"(?:your|the|final)(?: final)? (?:answer|result|response|solution)s?\b "
    r"(?:is|as|in|to|should|must|will|with(?:in)?)\b|"
    r"(?:gib|geben|schreibe?n?|runde|nenne|drücke)\b[^.?!]{0,40}\b(?:ergebnis|antwort|lösung)|"
    r"(?:die|deine|ihre) (?:endgültige )?(?:antwort|lösung) (?:ist|als|soll|muss)\b|"
    r"(?:donne[rz]?|écri(?:s|vez)|arrondi\w*|exprime[rz]?|indique[rz]?)\b[^.?!]{0,40}\b(?:réponse|résultat|solution)|"
    r"la réponse (?:est|doit|sous)\b|"
    r"(?:da|dé|escrib[ae]|redonde[ae]|expres[ae]|indi(?:ca|que)|escreva|dê|arredonde|scrivi|arrotonda|dai)\b[^.?!]{0,40}"
    r"\b(?:respuesta|resultado|solución|resposta|risposta|risultato)|la respuesta (?:es|debe|como)\b|"
    r"(?:дай|запиши|округли|вырази|укажи|напиши|выведи)(?:те)?\b[^.?!]{0,40}(?:ответ|результат)|"
    # whether it may be asked for
    r"what(?: is|'s) the (?:final |right |correct )?(?:answer|result|solution)\s*\?|"
    r"(?:can|could|would) you (?:please )?(?:solve|explain|answer|help|show|do)\b|"
    r"wie lautet die (?:antwort|lösung)\s*\?|quelle est la (?:réponse|solution)\s*\?|"
    r"(?:cuál es la respuesta|qual é a resposta|qual è la risposta)\s*\?"
)
_SHAPE = re.compile(
    rf"\b(?:{_SHAPE_WORDS})|"
    # what becomes of the answer, in other scripts
    r"(?:输出|写出|给出|保留|写成|填写|寫出)[^。？！]{0,12}(?:答案|结果|結果|整数|小数|形式)|"
    r"答案(?:是|为|應|应|须|写)[^。？！]{0,12}(?:整数|小数|分数|数字|形式)|"
    r"(?:答え|解答|結果)(?:を|は)[^。？！]{0,20}(?:整数|小数|書|示|出力|記入)|"
    r"(?:답|결과)(?:을|를|은|는)[^.?!]{0,20}(?:정수|소수|쓰|출력)|"
    # how long it may be
    r"\d+ (?:\w+ )?(?:words?|sentences?|lines?|steps?|decimals?|digits?|paragraphs?|tokens?)\b|"
    r"\d+ (?:wörtern?|sätzen?|zeilen|schritten?|(?:nachkomma|dezimal)stellen)\b|"
    r"\d+ (?:mots|phrases|lignes|étapes|décimales|palabras|frases|líneas|pasos|decimales|palavras|linhas|passos|casas|"
    r"parole|frasi|righe|passi|decimali)\b|"
    r"\d+ (?:слов|предложени|строк|шаг|знак)|"
    r"\d+\s*(?:个字|字|句|步|行|个词|位小数|文字|語|ステップ)(?:以内|之内|内|作答|回答|完成|で|。|$)|不超过\s*\d+|至多\s*\d+|"
    r"\d+\s*(?:자|문장|단계|줄) ?(?:이내|내로)|"
    # whether it may be asked for
    r"какой ответ\s*\?|каков ответ\s*\?|答案是(?:什么|多少)|答えは(?:何|いくつ)"
)
"""Sentences about the answer and its length: they have numbers and question marks, and put no question."""
_MATERIAL = re.compile(
    r"(?:(?<!\w)(?:translat|summari[sz]|proofread|paraphras|rewrite|rephras|correct|explain|analy[sz]e|übersetz|"
    r"fass\w* |zusammenfass|korrigier|verbesser|erklär|überarbeit|"
    r"tradui|résum|corrige|expliqu|reformul|traduc|resum|explica|"
    r"corrig|correg|riassum|spiega|traduz|переве[дс]|переклад|перескаж|исправ|объясн|кратко|резюм|поясни|tafsiri|"
    r"fupish|sahihish|elez|tłumacz|przetłumacz|streść|popraw|çevir|özetle|düzelt|açikla|dịch|tóm tắt|sửa|"
    r"terjemah|ringkas|vertaal|samenvat|verbeter)|翻译|翻譯|译成|译为|总结|總結|概括|改正|修改|解释|解釋|润色|摘要|翻訳|訳し|要約|訂正|直し|説明|번역|"
    r"요약|고쳐|교정|설명|ترجم|لخص|صحح|اشرح|แปล|สรุป|แก้ไข|อธิบาย|অনুবাদ|সারাংশ|ব্যাখ্যা|అనువ|సంగ్రహ|వివరించ|अनुवाद|सारांश|समझा)"
    r"(?P<what>[^\n:：]{0,100})[:：]\s*(?=\S)"
)
"""A task about a text that follows, in lower case: the text may be in any language."""
_PROBLEM = re.compile(
    r"problem|question|task|exercise|aufgabe|frage|problème|exercice|pregunta|ejercicio|esercizio|задач|вопрос|问题|問題|题|題|"
    r"문제|질문|โจทย์|คำถาม|swali|প্রশ্ন|ప్రశ్న|प्रश्न|سؤال|مسألة",
    re.IGNORECASE,
)
_SWITCH = re.compile(
    r"(?<=[\u0370-\u1dff\u2e80-\U0010ffff])\s*(?=(?:[A-Za-z'’,-]+ ){3,12}[A-Za-z])"
    r"|(?<=[A-Za-z.}:])\s+(?=[\u0370-\u1dff\u2e80-\U0010ffff]{2})"
)
"""Where words of Latin script follow others or are followed by them: four of them are no name."""
_SENTENCES = re.compile(r"(?<=[.!?。！？।])\s+|(?<=[。！？])|\n+")
_ASKS = re.compile(r"[?？؟]\s*$|か[。．]?\s*$|กี่|เท่าไ")
_DIGIT = re.compile(r"\d")


def without_instructions(question: str) -> str:
    """The sentences that ask or tell something. Empty where every sentence reads like an instruction.

    Of a task about a text ("translate this: …") it is the task, and not the text.
    """
    end = _material(question)
    if end is None:
        return "\n".join(s for s in _sentences(question) if not _instructs(s))
    *before, task = _sentences(question[:end].rstrip())
    return "\n".join([*(s for s in before if not _instructs(s)), task])


def _material(question: str) -> int | None:
    """Where the text of a task about one begins; None where there is none."""
    if ":" not in question and "：" not in question:
        return None
    return next((m.end() for m in _MATERIAL.finditer(_small(question)) if not _PROBLEM.search(m["what"])), None)


def put(question: str) -> str:
    """The sentences that ask or have numbers, first those that are no request ("could you …?"); all where none does."""
    sentences = _sentences(question)
    puts = [s for s in sentences if _puts(s)]
    return "\n".join([s for s in puts if not is_request(_small(s))] or puts or sentences)


def _sentences(question: str) -> list[str]:
    """The sentences, and the parts of one that are written in Latin and in another script."""
    found = [s for s in _SENTENCES.split(question) if s]
    return [part for s in found for part in ([s] if s.isascii() else _SWITCH.split(s)) if part]


def _instructs(sentence: str) -> bool:
    small = _small(sentence)
    if _FORM.search(sentence) is not None or _SHAPE.search(small) is not None or asks_for_a_form(small):
        return True
    return not _puts(sentence) and _SAYS.search(small) is not None


def _small(text: str) -> str:
    """Lower case, letter for letter; the Turkish letters without and with a dot are one."""
    return text.replace("İ", "i").lower().replace("ı", "i")


def _puts(sentence: str) -> bool:
    """Whether it puts a question or gives numbers to count with."""
    return _ASKS.search(sentence) is not None or _DIGIT.search(sentence) is not None
