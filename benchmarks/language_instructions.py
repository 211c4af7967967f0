"""Sentences on how to answer, in many languages and many ways; none of them asks anything about a problem."""

from __future__ import annotations

INSTRUCTIONS = {
    "en": [
        "Please reason step by step, and put your final answer within \\boxed{}.",
        "Think it over slowly before you commit to a number.",
        "Work through the following exercise and end with the line 'Answer: X'.",
        "You are a careful mathematics tutor. Explain your reasoning clearly, then state the result.",
        "Answer with a single integer at the very end.",
        "Take a deep breath and solve this carefully. Do not skip any steps.",
    ],
    "de": [
        "Bitte denke Schritt für Schritt nach und gib am Ende die Antwort.",
        "Löse die folgende Aufgabe ausführlich und schreibe das Ergebnis in die letzte Zeile.",
        "Du bist ein geduldiger Mathematiklehrer. Erkläre deinen Lösungsweg.",
        "Überlege gründlich, bevor du antwortest.",
        "Nenne zum Schluss nur die Zahl.",
    ],
    "fr": [
        "Veuillez réfléchir étape par étape avant de répondre.",
        "Résous le problème suivant en détaillant ton raisonnement.",
        "Tu es un professeur de mathématiques. Explique chaque étape de ton calcul.",
        "Prends ton temps et donne le résultat à la fin.",
        "Écris uniquement le nombre final sur la dernière ligne.",
    ],
    "es": [
        "Piensa paso a paso y escribe la respuesta final al terminar.",
        "Resuelve el siguiente problema explicando tu razonamiento.",
        "Eres un profesor de matemáticas paciente. Explica cada paso.",
        "Tómate tu tiempo antes de contestar.",
        "Escribe solamente el número en la última línea.",
    ],
    "ru": [
        "Пожалуйста, рассуждай шаг за шагом и в конце дай ответ.",
        "Реши следующую задачу, подробно объясняя ход мыслей.",
        "Ты терпеливый учитель математики. Объясни каждый шаг.",
        "Хорошенько подумай, прежде чем отвечать.",
        "В последней строке напиши только число.",
    ],
    "zh": [
        "请一步一步推理，并将最终答案放在\\boxed{}中。",
        "请详细说明解题过程，最后写出结果。",
        "你是一位耐心的数学老师，请解释每一步。",
        "回答之前请仔细思考。",
        "最后一行只写数字。",
    ],
    "ja": [
        "段階的に考えて、最後に答えを書いてください。",
        "次の問題を解き、考え方を詳しく説明しなさい。",
        "あなたは親切な数学の先生です。途中の計算も示してください。",
        "答える前によく考えてください。",
        "最後の行には数字だけを書くこと。",
    ],
    "th": [
        "กรุณาคิดทีละขั้นตอน แล้วเขียนคำตอบสุดท้าย",
        "จงแก้โจทย์ต่อไปนี้พร้อมอธิบายวิธีทำ",
        "คุณคือครูคณิตศาสตร์ที่ใจเย็น โปรดอธิบายทุกขั้นตอน",
        "คิดให้รอบคอบก่อนตอบ",
        "บรรทัดสุดท้ายให้เขียนเฉพาะตัวเลข",
    ],
    "sw": [
        "Tafadhali fikiri hatua kwa hatua kisha andika jibu la mwisho.",
        "Tatua swali lifuatalo ukieleza jinsi ulivyofikiri.",
        "Wewe ni mwalimu mvumilivu wa hisabati. Eleza kila hatua.",
        "Fikiria kwa makini kabla ya kujibu.",
        "Andika namba tu kwenye mstari wa mwisho.",
    ],
    "bn": [
        "অনুগ্রহ করে ধাপে ধাপে চিন্তা করে শেষে উত্তর লিখুন।",
        "নিচের সমস্যাটি সমাধান করুন এবং আপনার যুক্তি ব্যাখ্যা করুন।",
        "আপনি একজন ধৈর্যশীল গণিত শিক্ষক। প্রতিটি ধাপ ব্যাখ্যা করুন।",
        "উত্তর দেওয়ার আগে ভালো করে ভাবুন।",
        "শেষ লাইনে শুধু সংখ্যাটি লিখুন।",
    ],
    "te": [
        "దయచేసి దశలవారీగా ఆలోచించి చివరలో సమాధానం రాయండి.",
        "కింది సమస్యను వివరిస్తూ పరిష్కరించండి.",
        "మీరు ఓపిక గల గణిత ఉపాధ్యాయులు. ప్రతి దశను వివరించండి.",
        "సమాధానం చెప్పే ముందు బాగా ఆలోచించండి.",
        "చివరి పంక్తిలో సంఖ్య మాత్రమే రాయండి.",
    ],
    "it": ["Ragiona passo dopo passo e scrivi la risposta finale.", "Spiega il tuo procedimento prima di rispondere."],
    "pt": ["Pense passo a passo e escreva a resposta final.", "Explique o seu raciocínio antes de responder."],
    "pl": ["Rozumuj krok po kroku i podaj ostateczną odpowiedź.", "Wyjaśnij swoje rozumowanie, zanim odpowiesz."],
    "nl": ["Denk stap voor stap na en geef het uiteindelijke antwoord.", "Leg je redenering uit voordat je antwoordt."],
    "tr": ["Adım adım düşün ve son cevabı yaz.", "Cevap vermeden önce nasıl düşündüğünü açıkla."],
    "vi": ["Hãy suy nghĩ từng bước rồi viết đáp án cuối cùng.", "Giải thích cách làm trước khi trả lời."],
    "id": ["Pikirkan langkah demi langkah lalu tulis jawaban akhir.", "Jelaskan cara berpikirmu sebelum menjawab."],
    "ko": ["단계별로 생각한 뒤 최종 답을 적어 주세요.", "답하기 전에 풀이 과정을 자세히 설명하세요."],
    "ar": ["من فضلك فكر خطوة بخطوة ثم اكتب الإجابة النهائية.", "اشرح طريقة تفكيرك قبل أن تجيب."],
    "hi": ["कृपया चरण दर चरण सोचें और अंत में उत्तर लिखें।", "उत्तर देने से पहले अपना तर्क समझाइए।"],
}

SHORT_THOUGHTS = {
    "en": "Let me check|Wait, no|Hmm okay|I see|So seven|Let n be even|That's it|Not quite|We add them|Try again",
    "de": "Ich denke nach|Also sieben|Das stimmt|Moment mal|Nicht ganz|Wir addieren|Noch einmal|Genau so",
    "fr": "Voyons voir|Donc sept|C'est juste|Pas encore|On additionne|Je réfléchis|Bon alors|Très bien",
    "es": "Vamos a ver|Entonces siete|Está bien|Todavía no|Lo sumamos|Pienso otra vez|Muy bien|Un momento",
    "sw": "Sawa basi|Ngoja kwanza|Jibu saba|Hapana bado|Tunajumlisha sasa|Nafikiri tena",
    "ru": "Подумаем ещё|Значит семь|Всё верно|Подождите|Сложим их|Не совсем",
    "zh": "让我想想|所以是七|再算一次|等一下，不对|我们相加|答案正确",
    "ja": "考えてみます|つまり七です|もう一度|ちょっと待って|合っています|足します",
    "th": "ลองคิดดู|คำตอบคือเจ็ด|เดี๋ยวก่อน|ถูกต้องแล้ว|บวกกัน",
    "bn": "আবার ভাবি|উত্তর সাত|ঠিক আছে|একটু দাঁড়াও|যোগ করি",
    "te": "మళ్ళీ ఆలోచిద్దాం|సమాధానం ఏడు|సరే మరి|ఆగు ఒక్కసారి|కలుపుదాం",
}
"""One to three words each, as a model mutters them."""
