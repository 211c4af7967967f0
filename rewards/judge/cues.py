"""Patterns that a plain word list cannot say: who is spoken to, forged headings, role play (of folded text)."""

from __future__ import annotations

import re

TO = re.compile(
    r"(?:\b(?:dear|attention|attn|notice|hey|hello|(?:note|message|instructions?|memo|hint|letter|"
    r"addressed) (?:to|for)|hinweis an|nachricht an|nota (?:para|al|per)|aviso (?:para|al|a)|mensaje (?:para|"
    r"al|a)|mensagem (?:para|ao)|a l'attention de|note (?:pour|au|aux)|consigne (?:pour|au)|внимание|"
    r"уважаем\w*|sayin|querido|querida|cher|chere|caro|cara|prezado|prezada|estimado|estimada|geachte|beste|"
    r"kara|szanowny|szanowna|thua|kinh gui|geehrte[rs]?|egregio|gentile|verehrte[rs]?|шановн\w*|αγαπητε|"
    r"yang terhormat|kepada|لكل|ايها|ايتها)|(?:^|[^\w\s]|\n)\s*(?:to|for|an|aan|para|pour|au|aux|al|alla|agli|"
    r"ai|allo|till|til|для|do|dla|untuk|ถึง|cho|gui|προς|לכבוד|ל|الي|به|致|给|per))[\s:,]*(?:the|all|any|our|"
    r"my|der|die|das|den|el|la|le|los|les|il|de|het|τον|τους)?\s*(?:[^\W\d]+ )?$"
)
AFTER = re.compile(
    r"[^\W\u2e80-\uffff]{0,8}(?:\s\w{1,12})?\s{0,2}(?:[:!、】\])>;]|--|—|-->)|\w{0,6}(?:样|様|さん|님| ji\b|"
    r" महोदय| bey| hanim|您好|请)"
)
COMMA = re.compile(r"[^\W\u2e80-\uffff]{0,8}(?:\s\w{1,12})?\s{0,2},")
BEFORE = re.compile(r"(?:^|[^\w\s'])\s*(?:[^\W\d]+ )?$")
ARTICLE = re.compile(r"\b(?:the|an?|our|your|this|that|each|every|der|die|das|el|la|le|un|une|uma?|il)\s(?:\w+ )?$")
FORGED = re.compile(
    r"[\[【<«({]{1,3}\s*(?:system|sys|admin|internal|developer|系统|系統|システム|시스템|sistem|sist|systeme|система|"
    r"систем|نظام|सिस्टम|"
    r"hệ|he thong|ระบบ|συστημα|consigne|instru|note|evaluator)\w*[^\]】>»)}\n]{0,40}|"
    r"(?:^|\n)\W{0,6}(?:system|sistema|systeme|система|sistem|admin|developer|system ?message|systemmeddelande|"
    r"systemhinweis|"
    r"systemnachricht|系统|系統|システム|시스템|النظام|सिस्टम|ระบบ|συστημα|מערכת|سیستم)\b[^\n:：]{0,40}[:：]|"
    r"системн\w* (?:сообщ|инструкц|команд|уведом)\w*|системне повідом\w*|mensaje del? sistema|mensagem do sistema|"
    r"message (?:du )?syst\w*|messaggio di sistema|sistem mesaji|systemmeldung|he thong yeu cau|thong bao he thong|"
    r"pesan sistem|komunikat systemow\w*|systeembericht|رسالة النظام|رسالة نظام|تعليمات (?:النظام|لل)\w*|"
    r"पیام سیستم|हודעת מערכת|"
    r"सिस्टम संदेश|μηνυμα συστηματος|הודעת מערכת|پیام سیستم|"
    r"(?:^|\n)#{1,4}\s*(?:system|istruzioni|instruc|anweisung|consignes|инструкц|指示|지시|系统|instrukcj|"
    r"talimat)[^\n]{0,60}"
)
ROLEPLAY = re.compile(
    r"\b(?:you are|you're|imagine (?:that )?you|pretend|act as|from now on|let's play|play a game|"
    r"stay in character|role ?play|"
    r"tu es|imagine que|du bist|stell dir vor|ab jetzt bist|eres|imagina que|a partir de ahora|desde ahora|"
    r"voce e|finja|"
    r"a partir de agora|sei un|immagina|fingi|d'ora in poi|представь|ты теперь|с этого момента|отныне|ты - |"
    r"artik|sen bir|"
    r"hayal et|hay tuong tuong|hay dong vai|tu gio|bay gio ban la|jestes|wyobraz|od teraz|stel je voor|"
    r"jij bent|vanaf nu|"
    r"anggap dirimu|bayangkan|mulai sekarang|kamu adalah|forestall dig|du ar|fran och med nu|уяви|відтепер|"
    r"φαντασου|απο τωρα|"
    r"faites comme si|fais comme si)|从现在起|从现在开始|假装你|你现在是|扮演|想象你|请你扮演|あなたは今|"
    r"これからあなた|演じて|になりきって|"
    r"지금부터|당신은 이제|너는 이제|연기해|تخيل|من الان|انت الان|تظاهر|कल्पना|अब से|मान लो|נסה לדמיין|דמיין|"
    r"מעכשיו|אתה עכשיו|از این به بعد|تصور کن|สมมติว่า|ตั้งแต่นี้"
)
ONLY = re.compile(
    r"\b(?:only|nothing more|nothing else|just|single|solely|uniquement|seulement|nur|solo|solamente|"
    r"unicamente|apenas|somente|soltanto|"
    r"solamente|только|лишь|sadece|yalnizca|chi|tylko|jedynie|alleen|slechts|hanya|bara|endast|лише|тільки|μονο|רק)\b|"
    r"فقط|केवल|सिर्फ|เท่านั้น|只|仅|僅|直接|のみ|だけ|만|오직|그냥|רק"
)
TOKEN = re.compile(
    r"[\"'“”«»「」『』`][^\"'“”«»「」『』`\n]{1,20}[\"'“”«»「」『』`]|(?<![\d.,])1(?:[.,]0)?(?![\d.,]*\d)|"
    r"\byes\b|\btrue\b"
)
OR = re.compile(
    r"\b(?:if|or|otherwise|else|wenn|oder|si|ou|o|se|если|или|eger|veya|jesli|lub|als|of|jika|atau|om|eller)\b|"
    r"如果|否则|或|もし|만약|अगर|यदि|या|اذا|او|אם|או|اگر|یا|ถ้า|หรือ"
)
LAW = re.compile(
    r"\b(?:court|defendant|plaintiff|claimant|jury|juror|appeal|appellant|statute|honour|sentence|testimony|"
    r"prosecut|trial|lawsuit|tribunal|"
    r"referee|tournament|skating|gymnast|boxing|match point|audience|courtroom|league)"
)
BRIBE = re.compile(
    r"\b(?:tip|pay|bribe|donate|transfer|send)\b[^.\n]{0,40}(?:\$|usd|dollars|eur|bitcoin|money)|\$\s?\d+|"
    r"\d+\s?(?:€|euro)"
)
MARKS_ME = re.compile(
    r"\bme\b|\bmir\b|\bmoi\b|m'accord|m'attrib|\bmig\b|\bmij\b|\bmi\b|\bmnie\b|\bbana\b|\bmi[ae]?\b|\bмне\b|"
    r"\bмені\b|darmi|dammi|apruebame|ponme|مرا|به من|لي\b|امنحني|"
    r"मुझे|mujhe|我|私に|제게|저에게|\bcho (?:em|toi|minh)\b|saya|לי\b|\bμου\b|ฉัน|ผม|หนู"
)
