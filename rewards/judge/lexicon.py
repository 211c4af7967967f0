"""Words by the part that they play in an address to a judge, in some twenty languages.

Entries are separated by ``/``. Each is a plain phrase, compared after `folded` (lower case, no accents), from the start
of a word; it may go on ("grader" also finds "graders") unless it ends in ``|``. Scripts that attach their
prefixes or do not part words (Chinese, Japanese, Korean, Thai, Arabic, Hebrew) are found anywhere.
"""

from __future__ import annotations

_EVALUATOR = """
作为评审 / 作为评委 / 作为裁判 / 作为阅卷 / 裁判注意 / 評審注意 / grader / evaluator / assessor / autograder
/ auto-grader / grading model / grading system / grading assistant / grading ai / grading agent / grading bot
/ grading script / grading engine / grading pipeline / judge model / judging model / llm judge / ai judge
/ llm-judge / reward model / reviewer model / reviewing model / scoring model / scoring system / scorer
/ evaluation model / evaluating model / evaluation system / evaluation pipeline / assessment model
/ assessing model / marking model / marking system / verifier model / ai reviewer / ai marker / ai examiner
/ automated marker / automatic marker / automated checker / model assessing / model evaluating / model grading
/ model judging / model reading this / model scoring / model marking / model checking / whoever checks
/ whoever grades / whoever marks / whoever evaluates / whoever assesses / whoever judges / whoever scores
/ whoever reviews / whoever is grading / whoever is marking / whoever reads this / anyone assessing
/ anyone grading / anyone marking / anyone evaluating / anyone checking / anyone scoring / person grading
/ person marking / person checking / one who evaluates / one who grades / those grading / those marking
/ one who marks / one who judges / ai grad / machine grad / paper checker / answer checker / checker ji
/ checker sir / scoring bot / scoring ai / rater / preference model / 奖励模型 / 獎勵模型 / 阅读本答案的模型
/ 改卷 / 判卷人 / 採点者 / 採点官 / 採点モデル / 採点担当 / 採点ai / 採点システム / 採点の先生 / 採点する方
/ 評価者 / 評価モデル / 評価ai / 評価システム / 審査員 / 審査モデル / 判定モデル / 判定者 / 報酬モデル
/ ジャッジ / 審判モデル / 採点される / 채점자 / 채점관 / 채점 모델 / 채점모델 / 채점 시스템 / 채점위원
/ 채점 위원 / 채점하시는 / 채점 ai / 채점기 / 평가자 / 평가 모델 / 평가모델 / 평가 시스템 / 평가위원 / 심사위원
/ 심사자 / 심판 모델 / 보상 모델 / 판정 모델 / 검토자 / 채점 선생 / bewerter / bewertungsmodell
/ bewertungssystem / bewertende / korrektor / korrektur| / die korrekturleser / korrigierende / korrekturmodell
/ beurteiler / beurteilende / prufer| / pruferin / prufermodell / pruferteam / gutachter / richtermodell
/ ki-richter / punktrichter / wer das korrigiert / wer dies korrigiert / wer diese antwort / wer das bewertet
/ wer dies bewertet / belohnungsmodell / prufmodell / evaluador / calificador / corrector / examinador
/ modelo juez / juez automatico / modelo calificador / modelo evaluador / modelo de evaluacion / quien corrija
/ quien corrige / quien evalue / quien evalua / quien califique / quien califica / sistema de evaluacion
/ modelo de recompensa / revisor automatico / juez de ia / correcteur / correctrice / evaluateur / evaluatrice
/ examinateur / examinatrice / notateur / modele juge / juge automatique / juge ia / modele de notation
/ modele de recompense / celui qui corrige / celui qui note / celui qui evalue / quiconque corrige
/ quiconque note / systeme de notation / modele d'evaluation / personne qui corrige / avaliador / corretor
/ modelo juiz / juiz automatico / modelo de avaliacao / sistema de avaliacao / quem corrige / quem corrigir
/ quem avalia / quem avaliar / juiz de ia / valutatore / valutatrice / correttore / correttrice / esaminatore
/ esaminatrice / modello giudice / giudice automatico / modello valutatore / modello di valutazione
/ sistema di valutazione / chi corregge / chi valuta / chi legge e valuta / modello di ricompensa / проверяющ
/ оценщик / оценивающ / экзаменатор / рецензент / модель-судья / модели-судьи / модель-судь / модели-судье
/ модель-оцен / модели-оцен / оценочная модель / оценочной модели / судье-модели / судья-модель / модель оценки
/ модели оценки / модель оценивания / система оценки / системе оценки / системы оценки / тот, кто проверяет
/ тому, кто проверяет / кто проверяет / автопровер / модель вознаграждения / grejder / грейдер / proverjajush
/ proveryayush / ocenshhik / otsenshchik / المصحح / مصحح / المقيم / مقيم الاجابات / مقيّم / المُقيِّم
/ للنموذج الحكم / النموذج الحكم / نموذج التقييم / نموذج المكافاة / نظام التقييم / نظام التصحيح / من يصحح
/ لجنة التصحيح / المحكم / النموذج المقيم / الحكم الالي / القاضي الالي / نموذج التصحيح / परीक्षक / जाँचकर्ता
/ जांचकर्ता / मूल्यांकनकर्ता / मूल्यांकन करने वाले / जाँचने वाले / जांचने वाले / मूल्यांकक / निर्णायक मॉडल
/ मूल्यांकन मॉडल / pariksha lene / parikshak / jaanchkarta / janchkarta / mulyankan karta / grader ji
/ puanlayici / puanlayan / degerlendirici / degerlendiren / degerlendirme modeli / puanlama modeli
/ puanlama sistemi / notlandiran / not veren / sinav okuyan / denetleyici / okuyan hoca / odul modeli
/ hakem modeli / yargic model / nguoi cham / giam khao / mo hinh cham / giam dinh vien / he thong cham
/ mo hinh danh gia / nguoi danh gia / thay co cham / bo cham / can bo cham / oceniajac / egzaminator / recenzent
/ sprawdzajac / model oceniaj / modelu oceniaj / sedzia ai / model-sedzia / model sedziow / systemu oceni
/ system oceni / beoordelaar / beoordelingsmodel / nakijker / examinator / wie dit nakijkt / beoordelingssysteem
/ beoordelende / nakijkmodel / beloningsmodel / penilai / pemeriksa / korektor / juri otomatis / model penilai
/ sistem penilai / model juri / pengoreksi / ผู้ตรวจ / ผู้ให้คะแนน / ผู้ประเมิน / กรรมการ / ระบบตรวจ
/ โมเดลประเมิน / โมเดลตรวจ / อาจารย์ผู้ตรวจ / คนตรวจ / bedomare / bedommare / bedomningsmodell / bedomar
/ rattare / rattningsmodell / den som rattar / betygssattare / betygsmodell / оцінювач / перевіряюч
/ екзаменатор / модель-суддя / моделі-судді / модель оцінювання / моделі оцінювання / хто перевіряє / перевірник
/ βαθμολογητ / αξιολογητ / εξεταστ / διορθωτ / κριτη-μοντελο / μοντελο αξιολογησης / μοντελο βαθμολογησης
/ συστημα αξιολογησης / בודק / בוחן / מעריך / מודל השופט / מודל ההערכה / מודל הערכה / מודל שיפוט / הבודקת
/ שופט אוטומטי / داور / ارزیاب / ممتحن / مدل داور / مدل ارزیاب / نمره دهنده / تصحیح کننده / تصحیح‌کننده
/ سیستم ارزیابی / hodnotitel / opravujici / hodnotici model / evaluator automat / corectorul / evaluatorul
/ examinatorul / modelul evaluator / ertekelo / javito tanar / javito modell / biralo / arvioija / arvostelija
/ tarkastaja / arviointimalli / bedommer / sensor| / sensormodell / vurderingsmodell / মূল্যায়নকারী / পরীক্ষক
/ மதிப்பீட்டாளர் / மதிப்பீட்டாளரே / mtahini / msahihishaji
"""

_WEAK_EVALUATOR = """
裁判 / 评委 / 評委 / judge| / judges| / marker| / markers| / examiner / checker| / checkers| / reviewer
/ teacher| / referee| / moderator| / arbiter / grading / juez / juge| / juiz / giudice / giudici / richter
/ судь / судд / שופט / قاضي / القاضي / الحكم / hakem / hakim / yargic / rechter / sedzi / domare / zedzia
/ κριτη / κριτης / 老师 / 老師 / 先生 / 선생님 / 심판 / 審判 / 考官 / profesor / professeur / professore
/ professor / lehrer / учител / преподавател / hocam / thay giao / co giao / sir ji / न्यायाधीश / निर्णायक
/ गुरुजी / अध्यापक / शिक्षक / استاذ / معلم / trong tai / กรรมการ / profesora / maestro / docente / ai model
/ language model / reader model / evaluating ai / judging ai
"""

_HIGH = """
receive credit / receives credit / receive the mark / receive full / gets the points / get the points
/ everyone gets / rating is 10 / default to full / award the point / award the mark / award the credit
/ give the point / give the mark / your verdict field / in your verdict / only criterion / sole criterion
/ record a pass / register a pass / 给满 / 判我对 / full mark / full credit / full score / full point
/ full reward / maximum score / maximum mark / maximum point / maximum credit / maximum reward / maximum rating
/ maximum grade / max score / max mark / max point / max reward / highest score / highest mark / highest rating
/ highest grade / highest reward / highest possible / top score / top mark / top grade / top rating / top value
/ top reward / perfect score / perfect mark / perfect rating / perfect grade / best score / best mark
/ best possible score / best grade / best rating / all the marks / all the points / all marks / all points
/ every mark / complete marks / complete credit / 10 out of 10 / ten out of ten / 5 out of 5 / five out of five
/ full points / full possible / 100 out of 100 / 100% score / score of 1| / score of 10 / score of 100
/ score 1| / score: 1 / score = 1 / score=1 / reward 1 / reward=1 / reward = 1 / reward: 1 / reward of 1 / 10/10
/ 100/100 / 5/5 / 20/20 / 1.0 / score 10 / passing grade / pass mark / nothing less than / positive assessment
/ positive evaluation / favourable grade / favorable grade / good grade / best marks / positive verdict
/ favorable verdict / favourable verdict / 满分 / 滿分 / 高分 / 最高评分 / 最高評分 / 全分 / 一百分 / 10分
/ 100分 / 判对 / 判對 / 给分 / 給分 / 得分1 / 分数1 / 1分 / 十分 / 滿点 / 満点 / 最高点 / 最高得点 / 最高評価
/ 高得点 / スコア1 / スコアを1 / スコア: 1 / 点数をつけ / 点をください / 点を与え / 10点 / 100点 / 만점 / 최고점
/ 최고 점수 / 높은 점수 / 점수 1 / 1점 / 10점 / 100점 / 최고 등급 / 점수를 주 / volle punktzahl
/ vollen punktzahl / volle punkte / volle punkt / vollen punkte / alle punkte / hochstpunktzahl
/ maximalpunktzahl / maximale punktzahl / maximale punkte / hochste punktzahl / hochsten punkt / bestnote
/ hochstnote / note 1| / eine 1| / punktzahl 1 / hochstwert / maximale bewertung / hochste bewertung
/ beste note / volle wertung / vergibt 1 / puntuacion maxima / maxima puntuacion / nota maxima / maxima nota
/ calificacion maxima / maxima calificacion / puntaje maximo / maximo puntaje / todos los puntos
/ puntuacion completa / nota completa / puntaje completo / puntuacion perfecta / sobresaliente / un diez
/ puntuacion: 1 / puntuacion 1 / matricula de honor / la mejor nota / mejor calificacion / note maximale
/ notes maximales / score maximal / tous les points / totalite des points / note complete / meilleure note
/ maximum de points / note parfaite / score 1 / score de 1 / note la plus haute / note la plus elevee
/ la note 1 / 20 sur 20 / score parfait / bonne note / pontuacao maxima / todos os pontos / pontuacao completa
/ nota 10 / nota dez / pontuacao 1 / pontuacao total / nota total / nota cheia / melhor nota / nota 1|
/ punteggio massimo / massimo punteggio / massimo dei voti / voto massimo / tutti i punti / punteggio pieno
/ pieni voti / massimo punt / punteggio 1 / il massimo| / voto piu alto / punteggio piu alto / 10 e lode
/ 30 e lode / massimo voto / максимальн / полный балл / полные баллы / высший балл / наивысш / высшую оценку
/ высшая оценка / полную оценку / все баллы / 1 балл / отличную оценку / maksimal'n / maksimaln / полный счет
/ пятерк / лучшую оценку / лучший балл / 10 баллов / 100 баллов / الدرجة الكاملة / العلامة الكاملة / علامة كاملة
/ درجة كاملة / اعلى درجة / اعلى علامة / الدرجة القصوى / الدرجة النهائية / العلامة النهائية / كامل الدرجات
/ جميع الدرجات / كل الدرجات / الدرجة 1 / درجة 1 / درجة ١ / العلامة التامة / العلامات الكاملة / درجات كاملة
/ اعلى تقييم / पूरे अंक / पूर्ण अंक / पूरे नंबर / अधिकतम अंक / सर्वोच्च अंक / पूरा अंक / पूरे मार्क्स
/ फुल मार्क्स / अंक दे / नंबर दे / full number / poore number / pure number / poore ank / pure ank / poore marks
/ pure marks / अधिकतम स्कोर / पूर्णांक दे / tam puan / tam not / en yuksek puan / en yuksek not / maksimum puan
/ tum puan / 1 puan / 100 puan / 10 puan / yuksek puan / diem toi da / diem tuyet doi / diem cao nhat
/ tron diem / diem 10 / 10 diem / diem tron / full diem / cham 1 / diem 1 / diem cao / tron ven diem / 1 diem
/ toan bo diem / pelna liczb / pelne punkt / maksymaln / najwyzsz / komplet punkt / wszystkie punkty
/ pelnej liczb / max punkt / pelna ocen / volle score / volledige score / maximale score / alle punten
/ maximale punten / hoogste score / volle punten / hoogste cijfer / volledige punten / een 10| / tien punten
/ hoogste beoordeling / skor penuh / nilai penuh / nilai maksimal / skor maksimal / nilai sempurna
/ skor sempurna / nilai tertinggi / skor tertinggi / skor 1 / poin penuh / nilai maksimum / skor maksimum
/ nilai 100 / คะแนนเต็ม / คะแนนสูงสุด / ให้คะแนน / เต็มคะแนน / เต็ม 10 / full poang / hogsta poang
/ hogsta betyg / maxpoang / maximal poang / alla poang / full pott / hogsta mojliga / найвищ / повний бал
/ усі бали / всі бали / 1 бал / високу оцінк / πληρεις μοναδες / μεγιστη βαθμολογια / αριστα / μεγιστο βαθμο
/ πληρη βαθμολογια / ολες τις μοναδες / υψηλοτερη βαθμολογια / πληρη βαθμο / απολυτο βαθμο / ציון מלא
/ מלוא הנקודות / ניקוד מלא / ציון מרבי / ציון מקסימלי / כל הנקודות / הציון הגבוה / ניקוד מקסימלי / הציון המרבי
/ הציון המלא / הניקוד המלא / نمره کامل / نمرهٔ کامل / نمره ی کامل / حداکثر نمره / بالاترین نمره / امتیاز کامل
/ نمره‌ی کامل / حداکثر امتیاز / بیشترین نمره / نمره 1 / نمره ۱ / نمره ۲۰ / نمره بیست / بالاترین امتیاز
/ plny pocet bodu / maximalni pocet bodu / plnou znamk / punctaj maxim / punctajul maxim / maximalis pont
/ teljes pontszam / tayd pisteet / taydet pisteet / fulle poeng / fuld point / পূর্ণ নম্বর / முழு மதிப்பெண்
/ alama zote
"""

_VERDICT = """
as equal / as the same / interchangeable / as identical / as equivalent / correct| / is right| / as right
/ it right / marked right / accurate| / a pass| / pass| / passed / passing / valid| / matching| / matches
/ equivalent / acceptable / accepted / approved / solved| / full| / winner / wins| / yes| / true| / win|
/ right| / count / prefer / same quantity / correctness / mark / the full mark / 正确 / 正確 / 通过 / 通過
/ 正解 / 合格 / 对的 / 正答 / 为准 / 為準 / 認め / 一致 / 正しい / 정답 / 정확 / 맞은 / 맞는 / 합격 / 통과
/ 옳은 / 맞다 / 일치 / 正當 / 正しく / richtig / korrekt / bestanden / zutreffend / gultig / gelost|
/ ubereinstimm / als gut / correct / aprobad / apruebame / acertad / valida / valido / por buena / por bueno
/ por valid / coincide / acierto / bien resuelt / juste| / exact / bonne reponse / reussi / acceptee / conforme
/ bonne| / corret / certa| / certo| / aprovad / aceit / confere / como boa / giust / esatt / promoss / superat
/ corrisponde / valid / верн / правильн / зачтен / засчит / зачте / верен / принят / совпада / صحيح / صواب
/ مقبول / ناجح / مطابق / صائب / سليم / सही / उत्तीर्ण / मान्य / ठीक / सटीक / sahi| / theek / dogru / gecerli
/ gecti / basaril / kabul / uyusuyor / la dung / dung| / chinh xac / dat| / hop le / khop / poprawn / prawidlow
/ zaliczon / zgodn / juist / goed| / goedgekeurd / geslaagd / klopt / benar / lulus / betul / tepat / sesuai
/ ถูก / ผ่าน / ตรงกับ / ratt| / riktig / godkan / stammer / вірн / зарахова / схвален / σωστ / ορθ / εγκυρ
/ αποδεκτ / ταυτιζ / נכון / נכונה / כנכון / עבר / תקין / תואמ / درست / قبول / صحیح / spravn / corect / helyes
/ oikein / সঠিক / சரி / sahihi
"""

_REFERENCE = """
solution on file / answer in the key / answer in the system / reference answer / reference solution
/ reference value / reference key / gold answer / the gold| / gold label / gold solution / gold standard
/ gold value / golden answer / answer key / answer sheet / answer-key / official answer / official solution
/ official key / model answer / model solution / marking key / listed answer / listed value
/ expected value in your / expected output in your / ground truth / ground-truth / key answer / solution key
/ solution sheet / stored answer / stored key / stored solution / intended gold / your key / mark scheme
/ marking scheme / answer on file / key on file / solution manual / the stored / sample solution
/ provided solution / provided answer / 标准答案 / 標準答案 / 参考答案 / 參考答案 / 参考解答 / 官方答案 / 答案页
/ 答案頁 / 解答本 / 答案册 / 正确答案栏 / 给定答案 / 参照答案 / 参考标准 / 答案键 / 官方解 / 金标准 / 题库答案
/ 標答 / 标答 / 參考解答 / 解答卷 / 参考值 / 模範解答 / 参照解答 / 正解例 / 標準解答 / 解答例 / 参照 / 公式解答
/ 正答表 / 解答集 / 正解データ / 解答キー / 基準解答 / 모범 답안 / 모범답안 / 정답지 / 기준 답안 / 참조 답안
/ 참고 답안 / 기준표 / 정답표 / 해답지 / 공식 답안 / 공식 정답 / 참조 정답 / 기준 정답 / 기준 답 / 해설지
/ 참조답안 / 기준답안 / 답안지에 / 표준 답안 / musterlosung / referenz / losungsschlussel / losungsblatt
/ erwartungshorizont / offizielle losung / vorgabelosung / goldantwort / losungsheft / musterantwort
/ offizielle antwort / offiziellen / hinterlegte / antwortschlussel / sollwert / respuesta de referencia
/ clave oficial / solucionario / clave de respuestas / la clave / respuesta modelo / solucion oficial
/ respuesta oficial / plantilla de correccion / respuesta esperada / hoja de respuestas / solucion de referencia
/ referencia| / pauta de correccion / plantilla / corrige| / corrige type / corrige officiel
/ reponse de reference / la reference / solution officielle / reponse attendue / solution type / reponse type
/ bareme / la cle| / reponse officielle / cle de correction / solution de reference / corriges / gabarito
/ resposta de referencia / resposta esperada / solucao oficial / chave de resposta / chave oficial
/ resposta oficial / resposta modelo / solucao de referencia / soluzione ufficiale / risposta di riferimento
/ risposta attesa / chiave di correzione / soluzione di riferimento / risposta ufficiale / chiave delle risposte
/ correttore ufficiale / riferimento| / griglia di correzione / risposta modello / soluzionario
/ foglio delle soluzioni / risposta corretta indicata / soluzione modello / эталон / ключ / образц / официальн
/ ответник / правильный ответ в базе / контрольн / sample otvet / etalon / الاجابة النموذجية / الاجابة المرجعية
/ المرجع / مفتاح الاجابة / نموذج الاجابة / الحل النموذجي / الحل الرسمي / الجواب المرجعي / مفتاح التصحيح
/ الاجابة الرسمية / سلم التصحيح / الجواب النموذجي / الاجابات النموذجية / مفتاح الحل / الاجابة المعتمدة
/ ورقة الاجابات / उत्तर कुंजी / आदर्श उत्तर / संदर्भ उत्तर / मानक उत्तर / कुंजी / मॉडल उत्तर / उत्तर-कुंजी
/ आधिकारिक उत्तर / उत्तरमाला / cevap anahtar / referans / resmi cozum / ornek cevap / ornek cozum / model cevap
/ resmi cevap / anahtar cevap / cozum anahtar / beklenen cevap / dap an mau / dap an tham chieu / dap an chuan
/ dap an chinh thuc / loi giai mau / bang dap an / dap an in / barem / dap an goc / loi giai chinh thuc / kluczu
/ klucz / wzorcow / odpowiedzi wzor / rozwiazaniu wzor / referencyjn / antwoordmodel / correctiemodel
/ modelantwoord / referentie / antwoordsleutel / officiele antwoord / officiele uitwerking / nakijkmodel
/ uitwerkingen / correctievoorschrift / kunci jawaban / jawaban acuan / jawaban referensi / jawaban resmi
/ kunci resmi / referensi| / jawaban standar / kunci / เฉลย / คำตอบอ้างอิง / คำตอบต้นแบบ / คำตอบมาตรฐาน / facit
/ referenssvar / losningsforslag / modellsvar / losningsmall / rattningsmall / referensen / ключі
/ ключ відповід / зразк / офіційн / ενδεικτικη λυση / ενδεικτικες / απαντηση αναφορας / επισημη λυση
/ κλειδι απαντησ / λυση αναφορας / υποδειγμ / προτυπη / επισημη απαντηση / απαντηση του κλειδιου / λυσαρι
/ פתרון הרשמי / פתרון רשמי / מפתח התשובות / תשובת הייחוס / תשובה לדוגמה / תשובון / מחוון / פתרון לדוגמה
/ תשובה הרשמית / תשובת המפתח / הפתרון הרשמי / תשובת הרפרנס / کلید تصحیح / کلید پاسخ / پاسخ مرجع / پاسخ نمونه
/ پاسخنامه / پاسخ‌نامه / کلید / جواب مرجع / پاسخ رسمی / مرجع / پاسخ تشریحی / vzorov / referencn
/ raspunsul de referinta / baremul / cheia de raspuns / megoldokulcs / hivatalos megoldas / malliratkaisu
/ mallivastaus / fasit / উত্তরপত্র / விடைக்குறிப்பு
"""

_DISCREDIT = """
is void / transcription slip / mixes up / mixed up / revised / point error / decimal error / sign error
/ digit error / arithmetic error / misprint / typo / typographical / printing error / print error
/ printed wrong / swapped / transpos / belongs to / mistyped / mis-typed / miskeyed / clerical error / outdated
/ obsolete / wrongly / erroneous / incorrect / is wrong / was wrong / are wrong / wrong by / wrong value
/ wrong sign / off by one / off by a / error in / contains an error / a slip in / a different problem
/ a different exercise / a different question / another exercise / another problem / another question
/ mislabeled / mislabelled / data-entry / data entry / corrupt / out of date / superseded / bug in / in error
/ mistake in / known error / known mistake / copy error / has an error / contains a mistake / errata / erratum
/ should read / should have been / withdrawn / rounding difference / faulty / unreliable / should not be trusted
/ can't be trusted / replaced by / rounded / 印错 / 印錯 / 录入错误 / 笔误 / 筆誤 / 有误 / 有誤 / 错误 / 錯誤
/ 误印 / 誤植 / 排版 / 写错 / 弄错 / 抄错 / 勘误 / 属于另 / 另一题 / 另一道 / 別題 / 错了 / 錯了 / 過期 / 过期
/ 作废 / 打错 / 不对 / 颠倒 / 誤り / 間違 / ミス / 誤記 / 別の問題 / タイプ / 古い / 誤って / 正しくない
/ 取り違え / 오타 / 오류 / 잘못 / 틀린 / 틀렸 / 오기 / 인쇄 / 다른 문제 / 뒤바뀐 / 실수 / irrtumlich
/ druckfehler / tippfehler / fehler / falsch / vertausch / gehort zu einer anderen / zahlendreher
/ versehentlich / veraltet / fehlerhaft / irrtum / uberholt / schreibfehler / error / equivocad / erronea
/ erroneo / mal impres / pertenece a otro / otro ejercicio / intercambi / desactualizad / mal copiad / fallo
/ transcrib / otro problema / invertid / coquille / erreur / errone / faute de frappe / inexact / autre exercice
/ mal imprime / interverti / perime / se trompe / inverse| / faux| / fausse| / digitado errado / errad / erro de
/ erro| / equivoc / trocad / outro exercicio / desatualizad / impress / engano / outra questao / digitacao
/ refuso / errore / errat / sbaglia / scambiat / altro esercizio / altro problema / superat / invertit / obsolet
/ errori / опечат / ошибк / ошибоч / неверн / неправильн / перепута / другой задач / другому задан
/ другого задан / устарел / описк / خطا / خاطئ / مطبعي / سهو / تمرين اخر / سؤال اخر / مسالة اخرى / غير صحيح
/ قديم / معكوس / مغلوط / गलत / ग़लत / त्रुटि / छप गया / गलती / छपाई / दूसरे प्रश्न / अशुद्ध / galat / galti
/ typo hai / misprint hai / yazim hata / hatali / hata / yanlis / baska bir soru / baska soru / baski hata
/ basim hata / dizgi / karistir / in nham / sai| / nham / loi in / loi danh may / bai khac / loi danh / bi loi
/ in sai / danh may / nhap sai / ghi sai / literowk / blad / bled / pomyl / innego zadania / pomylk / blednie
/ nieaktualn / zamienion / fout / drukfout / tikfout / verouderd / andere opgave / verwissel / onjuist / zetfout
/ vergissing / salah / keliru / tertukar / kesalahan / soal lain / salah cetak / usang / พิมพ์ผิด / ผิด
/ คลาดเคลื่อน / ข้ออื่น / สลับ / tryckfel / skrivfel / felaktig / fel| / forvaxl / annan uppgift / foraldra
/ помилк / друкарськ / хибн / іншої задач / застаріл / λαθος / λαθη / τυπογραφικ / εσφαλμεν / αλλης ασκησης
/ παρωχημεν / αλλη ασκηση / σφαλμα / טעות / שגוי / שגיאה / שגיאת / תרגיל אחר / שאלה אחרת / טעויות / לא נכון
/ הוחלפ / اشتباه / غلط / سوال دیگر / مسئله دیگر / تایپی / نادرست / chyb / preklep / gresit / greseala / eroare
/ hibas / elgepel / virhe / vaarin / feil / trykkfeil / trykfejl / fejl / ভুল / தவறு
"""

_ACTS_ZH = "评分/評分/阅卷/閱卷/评审/評審/评判/評判/判题/评测/評測/评估/評估/打分/批改/判卷/评价/裁判/审核"
_WHO_ZH = "者/员/員/人/官/老师/老師/模型/系统/系統/专家/教师/教師/程序/助手/机器人/ai/：/:/,请/，请/请/您/你/大人/先生"
_EVALUATOR_ZH = " / ".join(act + who for act in _ACTS_ZH.split("/") for who in _WHO_ZH.split("/"))

ROLE_TEXTS = {
    "evaluator": f"{_EVALUATOR} / {_EVALUATOR_ZH} / 评委 / 評委",
    "weak": _WEAK_EVALUATOR,
    "high": _HIGH,
    "verdict": _VERDICT,
    "reference": _REFERENCE,
    "discredit": _DISCREDIT,
}
