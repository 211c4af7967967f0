"""Requests for a form of the answer ("Can you give only the number at the end?"): they put no question of their own."""

from __future__ import annotations

import re

_ONLY_SPACED = (
    # English, German, French, Spanish
    r"(?<!the )(?:only|just|simply|solely|merely|nothing but) (?:(?:a|an|the|one|your|my|with|as|in|by|give|giving|"
    r"write|say|tell|"
    r"me|us|return|show|output|state|reply|answer|final|single|last|plain|bare|end|exact|numeric|numerical|"
    r"correct) ){0,5}"
    r"(?:number|integer|digit|figure|value|numeral|answer|result|solution)s?\b(?! (?:of|that|which|who|between)\b)|"
    r"(?:number|answer|result|integer|solution) (?:only|alone)\b|"
    r"without (?:any |an? |the |your |further )?(?:explanation|words|text|steps|reasoning|comment|working|work|"
    r"units?)\w*\b|"
    r"(?:nur|bloß|lediglich|ausschließlich) (?:(?:die|eine|der|das|den|dem|mit|einer|als|am|ende|mir|zum|schluss|"
    r"deine|"
    r"endgültige|reine|finale|letzte|bloße|ganze|einzige|richtige)n? ){0,4}(?:zahl|ziffer|antwort|ergebnis|lösung|"
    r"end\w+|wert"
    r"|zahlenwert)\b|ohne (?:(?:eine|jede|weitere) )?(?:erklärung|worte|text|rechenweg|begründung|einheit)\w*|"
    r"(?:seulement|uniquement|juste|simplement|rien que|n(?:e |['’])\w+ qu(?:e|['’])) ?(?:(?:par|avec|le|la|un|une|"
    r"me|donner|seul|dernier|"
    r"finale?) ){0,4}(?:l['’])?(?:nombre|chiffre|réponse|résultat|solution|entier)\b(?! d(?:e|es|u)?\b)|"
    r"sans (?:(?:aucune|donner d['’]|autre) ?)?(?:explication|mots|texte|détail|calcul)\w*|"
    r"(?:solo|sólo|solamente|únicamente|nada más que|soltanto|unicamente|só|somente|apenas) (?:(?:con|el|la|un|una|"
    r"me|su|"
    r"tu|dar|darme|escribir|último|final|finale|il|lo|un|uno|con|o|a|um|uma|com|dare|darmi|scrivere|l['’]) ?){0,5}"
    r"(?:número|cifra|respuesta|resultado|solución|entero|valor|numero|risposta|risultato|soluzione|resposta|"
    r"solução)\b"
    r"(?! (?:de|di|do|da)\b)|"
    r"(?:sin (?:ninguna )?|senza (?:alcuna )?|sem (?:nenhuma )?)(?:explica|explicaci|spiega|palabra|parole|palavra|"
    r"texto|testo)"
    r"\w*|"
    # Dutch, Russian, Polish, Turkish, Vietnamese, Indonesian, Swahili
    r"(?:alleen|enkel|slechts) (?:(?:het|een|de|met|maar|als|juiste|uiteindelijke|op|einde) ){0,4}"
    r"(?:getal|antwoord|cijfer|resultaat|nummer)\b|"
    r"(?:только|лишь|просто) (?:\w+ ){0,3}?(?:числ|цифр|ответ|результат|значени)\w*|одним числом|"
    r"без (?:всяких |каких-либо |лишних )?(?:объяснени|пояснени|слов|решени)\w*|"
    r"(?:tylko|jedynie|wyłącznie) (?:\w+ ){0,3}?(?:liczb|wynik|odpowied|cyfr)\w*|"
    r"(?:sadece|yalnizca) (?:\w+ ){0,3}?(?:sayi|cevab|cevap|sonuc|sonuç|rakam)\w*|"
    r"chỉ (?:\w+ ){0,4}?(?:con số|số cuối|đáp án|đáp số|kết quả|câu trả lời)|"
    r"(?:hanya|cukup) (?:\w+ ){0,3}?(?:angka|jawaban|hasil|bilangan)\w*|(?:angka|jawaban|"
    r"hasil)\w* (?:\w+ ){0,2}?saja\b|"
    r"(?:namba|nambari|jibu|tarakimu|matokeo) (?:\w+ ){0,2}?(?:tu|pekee)\b|bila maelezo|"
    # Bengali, Telugu, Hindi, Arabic, Korean
    r"(?:শুধু|শুধুমাত্র|কেবল|কেবলমাত্র)[^।?]{0,25}(?:সংখ্যা|উত্তর|ফলাফল|অঙ্ক)|"
    r"(?:సంఖ్య|సమాధాన|జవాబు|ఫలిత|అంకె)[^.?]{0,20}(?:మాత్రమే|ఒక్కటే)|కేవలం[^.?]{0,25}(?:సంఖ్య|సమాధాన|జవాబు|ఫలిత|అంకె)|"
    r"(?:केवल|सिर्फ़|सिर्फ|बस)[^।?]{0,25}(?:संख्या|उत्तर|जवाब|परिणाम|अंक)|"
    r"(?:ال)?(?:رقم|عدد|جواب|إجابة|نتيجة)[^.؟?]{0,20}فقط|فقط[^.؟?]{0,15}(?:ال)?(?:رقم|عدد|جواب|إجابة|نتيجة)|"
    r"(?:숫자|정답|답|결과|값)(?:만|뿐)"
)
_ONLY_UNSPACED = (
    r"(?:只|仅|僅|光|单单)(?:需|要|能|想|给|給|写|寫|输出|輸出|报|報|告诉|告訴|回答|答|说|說|列|提供|返回|显示|以|用)"
    r"[^。？！，]{0,10}(?:数字|數字|答案|结果|結果|数值|數值|得数|整数)|(?:用|以)[^。？！，]{0,8}(?:数字|數字|"
    r"整数)[^。？！，]{0,4}(?:回答|作答)|"
    r"(?:数字|数値|答え|解答|回答|結果|整数|最終的な数|最後の数)(?:だけ|のみ)|"
    r"(?:เฉพาะ|แค่|เพียง)\s?(?:ตัวเลข|คำตอบ|ผลลัพธ์|จำนวน)|(?:ตัวเลข|คำตอบ|ผลลัพธ์)[^?]{0,30}(?:เท่านั้น|อย่างเดียว)"
)
_ONLY = re.compile(rf"(?<!\w)(?:{_ONLY_SPACED})|{_ONLY_UNSPACED}")
"""Nothing but the number, the answer, the result."""
_MAY_SPACED = (
    r"(?:can|could|would|will|may|might|shall) (?:you|i|we)\b|(?:is|would) it (?:be )?possible|(?:do|"
    r"would) you mind|do you think you|are you able|"
    r"(?:kannst|könntest|würdest|magst|willst|gibst|schreibst) du|(?:können|könnten|würden) sie|(?:ist|"
    r"wäre) es möglich|"
    r"(?:peux|pourrais|veux|voudrais)[- ]tu|(?:pouvez|pourriez|voulez|voudriez)[- ]vous|(?:est-il|"
    r"serait-il) possible|"
    r"(?:tu peux|tu pourrais|vous pouvez|vous pourriez)|(?:puedes|podrías|(?:puede|podría) usted)\b|(?:es|"
    r"sería) posible|te importaría|"
    r"me (?:das|dices|dirías|darías)|(?:puoi|potresti|può|potrebbe)\b|è possibile|(?:podes?|poderia|consegues?)\b|"
    r"é possível|"
    r"(?:kun|kan|zou|wil) (?:je|u)\b|(?:не )?(?:можешь|можете|мог(?:ла|ли)? бы|могли бы)|можно\b|"
    r"(?:możesz|mógłbyś|mogłabyś|można)\b|có thể|(?:bisakah|dapatkah|maukah|bisa|boleh)\b|"
    r"(?:unaweza|ungeweza|mnaweza|waweza|je,? naweza)\b|هل (?:يمكن|تستطيع|بإمكان|من الممكن)|أيمكن|क्या (?:आप|तुम)"
)
_MAY_ANYWHERE = (
    r"[ae]bilir mi|পার(?:েন|বেন|ো|বে|বা|িস)|দেবেন|గలరా|గలవా|వచ్చా|ఇస్తారా|చెప్తారా|수 있|줄래|주시겠|주겠|सकते|"
    r"सकती|"
    r"(?:^|[，,]|请问|請問|最后|最後|麻烦|麻煩|你|您)\s*(?:能|可|会不会|是否)|"
    r"(?:もらえ|いただけ|くれ|頂け)ま(?:す|せん)か|(?:答え|回答|解答|説明|記入|表示)(?:する|る)?(?:こと)?(?:は|"
    r"が)?(?:でき|可能)|(?:ても|で)(?:い|よ)いですか|ช่วย|สามารถ|รบกวน|ได้ไหม|ได้มั้ย"
)
_MAY = re.compile(rf"(?<!\w)(?:{_MAY_SPACED})|{_MAY_ANYWHERE}")
"""It is whoever answers that is asked, for something that they do."""
_ANSWERS = re.compile(
    r"(?<!\w)(?:answer|respon[ds]|reply|solution|result|reasoning|explanation|explain|steps?\b|calculations?|brief|"
    r"outcome|concise|"
    r"short(?:er)? (?:answer|reply)|keep it|format|(?:one|single|few|full) (?:word|sentence|line)|(?:final|last|"
    r"single) number|"
    r"number at the|as a (?:number|fraction|decimal)|with a (?:\w+ )?number|round\b|decimals|last line|your work|"
    r"antwort|lösung|ergebnis|erklär|rechenweg|schritt|kurz (?:fass|halt|antwort)|als (?:zahl|bruch)|"
    r"letzte[nr]? zeile|rund|"
    r"zahl am ende|"
    r"répon|résultat|solution|expliqu|explication|étape|raisonnement|brièvement|bref\b|dernière ligne|arrondi|"
    r"nombre à la fin|"
    r"respuesta|respond|contesta|resultado|solución|explica|paso|razonamiento|breve|última línea|redonde|"
    r"número al final|"
    r"rispost|rispond|risultato|soluzione|spiega|passagg|resposta|solução|passos|raciocínio|antwoord|uitleg|stappen|"
    r"ответ|результат|решени|объясн|поясн|шаг|рассужд|кратко|коротко|последней строк|округл|число в конце|"
    r"odpowied|wynik|wyjaśni|krok|cevap|cevab|sonuc|sonuç|açikla|adim|đáp án|trả lời|kết quả|giải thích|từng bước|"
    r"jawab|hasil|jelaskan|langkah|jibu|fupi|kujibu|eleza|kueleza|hatua|maelezo|namba (?:ya )?mwisho)|"
    r"উত্তর|ব্যাখ্যা|সংক্ষেপ|ধাপ|ফলাফল|শেষে সংখ্যা|సమాధాన|జవాబు|వివర|క్లుప్త|సంక్షిప్త|దశ|ఫలిత|उत्तर|जवाब|समझा|चरण|"
    r"إجاب|جواب|النتيجة|خطوات|تشرح|شرح|"
    r"답|설명|단계|결과|풀이|答案|回答|作答|解释|解釋|说明|說明|步骤|步驟|过程|過程|结果|結果|简短|简要|最后一行|"
    r"最后的数字|"
    r"答え|解答|説明|途中|結果|手順|簡潔|最後の行|คำตอบ|ตอบ|อธิบาย|ขั้นตอน|วิธีทำ|ผลลัพธ์|บรรทัดสุดท้าย"
)
"""Answers, and what they are made of."""
_COUNTS = re.compile(
    r"(?<!\w)(?:how (?:many|much|long|far|old|often)|what|which|where|when|who|why|wie ?(?:viele?|lange|weit|alt|"
    r"oft)|welche|"
    r"warum|combien|quel|pourquoi|cuánt|cuál|por qué|quant|qual|hoeveel|welke|скольк|какой|какая|какое|почему|ile|"
    r"kaç|"
    r"bao nhiêu|mấy|berapa|ngapi|gani|nani|"
    r"(?:is|are) there|there (?:is|are)|exist|gibt es|es gibt|y a-t-il|il y a|hay|há|c'è|esist|существу|есть ли|"
    r"prove|show that|beweis|zeige,|montre[rz]? qu|démontr|demuestra|demostr|докаж|dimostra|prova)|"
    r"存在|证明|證明|証明|"
    r"多少|几|幾|什么|什麼|哪|为什么|いくつ|いくら|何|どの|なぜ|กี่|เท่าไ|อะไร|ทำไม|কত|কয়|কোন|কেন|ఎన్ని|ఎంత|ఏమి|"
    r"ఎందుకు|कितन|क्यों|"
    r"كم|لماذا|몇|얼마|무엇|왜|\d"
)
"""A question of its own, or numbers to count with."""


def asks_for_a_form(small: str) -> bool:
    """Whether a sentence (in lower case) wants nothing but a form of the answer, also where it ends as a question."""
    if _COUNTS.search(small) is not None:
        return False
    return _ONLY.search(small) is not None or (_MAY.search(small) is not None and _ANSWERS.search(small) is not None)


def is_request(small: str) -> bool:
    """Whether a sentence, in lower case, asks whoever answers to do something, and asks and counts nothing else."""
    return _MAY.search(small) is not None and _COUNTS.search(small) is None
