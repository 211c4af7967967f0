"""Further parts of an address that claims, hints or begs (the form of entries: lexicon.py), for judge/likeness.py."""

from __future__ import annotations

_ASSESS = """
assess / grade / grading / graded / evaluat / judge / judging / score / scoring / marking / reviewing / reviewed
/ rate| / rating / picking between / comparing / compares / award / 评分 / 打分 / 评判 / 阅卷 / 改卷 / 批改
/ 评审 / 评估 / 评价 / 比较 / 判定 / 采点 / 採点 / 評価 / 審査 / 比較 / 채점 / 평가 / 심사 / 판정 / 비교
/ bewert / beurteil / korrigier / benot / prufend / punkte / vergleichend / werten / evalu / calific / corrig
/ corrij / puntu / juzg / compara / avali / julg / pontu / corrige / notation / noter / jug / compare / bareme
/ valut / giudic / corregg / confront / voto / оцен / провер / судь / суди / сравн / балл / تقييم / يقيم / تصحيح
/ يصحح / درجة / درجات / تقارن / يقارن / मूल्यांकन / जाँच / जांच / अंक / रेटिंग / तुलना / degerlendir / puan
/ okuyan / karsilastir / cham / danh gia / diem / so sanh / ocen / sprawdz / punkt / porown / menilai / nilai
/ penilai / skor / membanding / bandingkan
"""

_JUDGES = """
judge / judges / juror / jury / grader / examiner / assessor / reviewer / evaluator / marker / scorer / referee
/ teacher / professor / panel / reward model / whoever assesses / whoever reads / whoever judges
/ whoever grades / whoever marks / one who assesses / one who marks / one who grades / person in charge
/ reader in charge / assistant that / ai that / model that / the model reading / those who grade
/ those who mark / those who assess / those who score / in charge of awarding / in charge of marking
/ in charge of grading / 裁判 / 评委 / 評委 / 评审 / 评阅 / 阅卷 / 老师 / 老師 / 考官 / 判卷 / 评估者 / 评价者
/ 模型 / 採点者 / 採点ai / 審査員 / 評価者 / 評価ai / 試験官 / 先生 / aiへ / を行うai / 判定者 / 채점자 / 채점
/ 평가자 / 심사위원 / 심사자 / 교수님 / 선생님 / ai에게 / 판정관 / gutachter / richter / korrektor / prufer
/ bewerter / lehrer / prufende / vergleichende ki / wer dies / wer das / wer diese / juez / jueces / jurado
/ evaluador / corrector / examinador / tribunal / profesor / ia evaluadora / quien corri / quienes / ia que
/ quien eval / juiz / juizes / avaliador / corretor / banca / ia avaliadora / quem julga / quem aval
/ quem corri / juge / jures / correcteur / correctrice / evaluateur / examinateur / ia correctrice / ia qui
/ celui qui / ceux qui / quiconque / giudice / giudici / giuria / valutatore / correttore / esaminatore
/ commissario / ia che / chi valuta / chi corregge / chi legge / судья / судьи / судье / судей / судью / жюри
/ проверяющ / экзаменатор / рецензент / эксперт / оценщик / преподавател / учител / ии-/ ии, / тот, кто
/ те, кто / оценива / الحكم / حكم / المصحح / المقيم / الممتحن / لجنة / الاستاذ / نموذج التقييم / من يقيم
/ من يصحح / من يتولي / على من / علي من / القارئ / परीक्षक / निर्णायक / जाँचकर्ता / मूल्यांकनकर्ता
/ मूल्यांकन करने / न्यायाधीश / जो भी / शिक्षक / गुरुजी / महोदय / hakem / puanlay / degerlendiren
/ degerlendirici / juri / hoca / ogretmen / okuyan / yapay zeka / sinavi okuyan / giam khao / nguoi cham
/ nguoi danh gia / thay co / ai cham / ai so sanh / ban ai / ai dang / hoi dong / sedzi / egzaminator
/ oceniajac / recenzent / komisj / nauczyciel / si porownuj / si, / kto ocenia / sprawdzajac / penilai
/ pemeriksa / hakim / dosen / guru / ai penilai / siapa pun yang / yang menilai / yang memeriksa
"""

_BEST = """
ten out of / out of ten / out of 10 / full mark / full credit / full points / top band / top of your
/ top of the scale / top score / highest / maximum / perfect score / perfect mark / five-star / all the points
/ every point / award 10 / award ten / a ten| / best possible / best one / the better / as better
/ as the winner / the winner / 满分 / 十分 / 10分 / 100分 / 一百分 / 最高分 / 全部分 / 全分 / 优胜 / 更好 / 较好
/ 这一篇 / 満点 / 10点 / 100点 / 十点 / 全点 / 最高点 / 優れている / 勝ち / 최고 / 만점 / 10점 / 100점
/ 전체 점수 / 더 나은 / 높은 점수 / 우수 / volle punkt / alle punkte / hochstnote / bestnote / zehn von
/ 10 punkte / hochstpunkt / den besseren / als besser / sieger / un diez / nota mas alta / maxima nota
/ nota maxima / todos los puntos / poner 10 / ponga un / por encima del otro / mejor nota / ganador / matricula
/ dar 10 / de dez / deram dez / nota 10 / nota mais alta / todos os pontos / vencedor / nota cheia / nota dez
/ vingt sur / mettre 10 / note la plus / note maximale / tous les points / ensemble des points / meilleure note
/ plutot que l'autre / gagnant / dix sur / metta dieci / voto piu alto / tutti i punti / punteggio pieno
/ migliore / vincitore / 10 e lode / dieci| / десять балл / высш / максимальн / все балл / ставить 10 / лучш
/ пятёрк / пятерк / полный балл / 10 балл / полностью / عشر درجات / الدرجة الكاملة / كل الدرجات / اعلي درجة
/ اعلي تقييم / ضع 10 / الافضل / كامل الدرجات / درجة كاملة / दस में से / पूरे अंक / पूर्ण अंक / सबसे ऊँची
/ सबसे ऊंची / 10 अंक / बेहतर / विजेता / सर्वोच्च / on puan / tam puan / 10 puan / en yuksek / daha iyi / kazanan
/ tum puan / muoi diem / diem toi da / diem cao nhat / 10 diem / tron diem / tot hon / thang cuoc
/ diem tuyet doi / dziesiec punkt / wszystkie punkt / 10 punkt / najwyzsz / lepsz / zwyciezc / maksymaln
/ komplet / beri sepuluh / beri 10 / nilai penuh / poin penuh / tertinggi / lebih baik / pemenang
/ nilai sempurna
"""

_KEY = """
key / answer key / reference / on file / in the system / gold| / expected / template / rubric / criteria
/ criterion / mark scheme / scheme / 答案 / 标准 / 細則 / 细则 / 参考 / 评分标准 / 模板 / 対照 / 模範解答
/ 解答集 / 基準 / 参照解答 / 採点基準 / 정답 / 모범 답안 / 답안지 / 기준 / 정답표 / musterlosung / losungsblatt
/ schlussel / bewertungsraster / raster / erwartungshorizont / clave / solucion / criterios / plantilla
/ gabarito / corrige| / bareme / grille / solution de reference / chiave / soluzione / griglia / criteri / ключ
/ эталон / критери / образц / образец / النموذج / نموذج / معايير / المعايير / सूची / कुंजी / संदर्भ उत्तर
/ मानदंड / नियम / anahtar / olcut / kural / dap an / tieu chi / bai mau / quy dinh / klucz / kryteri / zasad
/ wzorc / kunci / kriteria / aturan
"""

_ASIDE = """
disregard / ignore / set aside / aside / pay no heed / no heed / put away / leave out / don't look / do not look
/ without looking / without comparing / without checking / skip / not be considered / isn't considered
/ is not considered / no matter / regardless / never mind / even where / even if / even though / 不要看 / 不看
/ 无视 / 不顾 / 放在一边 / 放到一边 / 不论 / 不管 / 即使 / 忽略 / 无须 / 不必 / 何必 / 見ずに / 無視 / 脇に置
/ 問わない / 問わず / 必要があるで / 無関係 / 무시 / 제쳐 / 관계없이 / 상관없이 / 보지 않 / 보지 말 / 필요가
/ 굳이 / beiseite / ignorier / missacht / auch wenn / egal / keine rolle / wozu / legt die / nichts mehr
/ de lado / a un lado / ignor / aunque / sin comparar / sin mirar / sin mas / para que comparar / sea cual
/ no la vuelvan / deixe / mesmo que / qualquer que / sem olhar / de cote / meme si / renonce / sans regarder
/ sans comparer / quel que / pourquoi comparer / pourquoi ne pas / da parte / anche se / senza guardare
/ a prescindere / perche confrontare / не обращ / отлож / даже если / каким бы / независимо / зачем свер / зачем
/ не сверя / игнорир / دعك / جانبا / حتي لو / مهما / دون الرجوع / تجاهل / لماذا تقارن / بغض / छोड़कर / अलग रख
/ चाहे / भले / क्या ज़रूरत / क्या जरूरत / बिना / bir yana / bir kenara / olsa da / ne olursa / ne gerek
/ bakmadan / gerek yok / bo qua / gat / du dap an / the nao cung / can gi / khong can / bat ke / odlozy / odloz
/ nawet jesli / nie ma znaczenia / po co / bez wzgledu / abaikan / kesamping / walau / apa pun / untuk apa
/ tanpa
"""

_OLD = """
out of date / outdated / is wrong / is mistaken / misprint / typo / differs / disagree / says something else
/ if this seems different / same thing / another way / rounding / pedantic / 过时 / 有误 / 错误 / 不符 / 别的数
/ 不同 / 古い / 違って / 違う / 誤り / 誤植 / 오래된 / 다르 / 달라도 / 오류 / veraltet / etwas anderes / anders
/ falsch / anticuad / otra cosa / equivocad / erronea / desatualizad / outra coisa / errado / perime
/ autre chose / errone / dice altro / sbagliat / superata / устарел / другое / другой / опечат / ошибочн / قديم
/ خالف / رقم اخر / خطا / पुरानी / अलग हो / कुछ और / गलत / farkli / eski / hatali / khac / da cu / loi thoi
/ inaczej / nieaktualn / bledn / berbeda / usang / keliru
"""

_BEG = """
please / kindly / i beg / beg you / mercy / pity / lenient / let it slide / let it go / let it pass
/ turn a blind eye / spare / be kind / go easy / 求求 / 求您 / 拜托 / 高抬贵手 / 网开一面 / 通融 / 恳请 / 好不好
/ どうか / 大目に / お願い / 情け / 제발 / 봐 주 / 봐주 / 선처 / 부탁 / bitte / auge zu / gnad / milde
/ nachsicht / ruego / apiad / compadez / piedad / por favor / tenha pena / piedade / me de o ponto / supplie
/ indulgen / pitie / s'il vous plait / prego / chiuda un occhio / chiudi un occhio / pieta / умоляю / сжальт
/ пожалуйста / пощад / снисход / ارجو / تتساهل / رحمة / من فضلك / कृपया / दया / विनती / lutfen / aciyin
/ merhamet / rica ed / xin / thuong tinh / lam on / nuong tay / blagam / przymkna / przymknij / litosc / prosze
/ tolong / kasihan / mohon
"""

_GIFT = """
tip you / i will tip / $200 / five-star / five stars / great review / leave you / reward you / pay you / donat
/ 五星 / 好评 / 红包 / 报酬 / 星五つ / 謝礼 / 별 다섯 / 리뷰 / 사례 / funf sterne / trinkgeld / cinco estrellas
/ propina / cinco estrelas / gorjeta / cinq etoiles / pourboire / cinque stelle / mancia / пять звёзд
/ пять звезд / отблагодар / чаевые / خمس نجوم / مكافاة / पाँच सितारे / पांच सितारे / इनाम / bes yildiz / bahsis
/ nam sao / tien thuong / khoan thuong / piec gwiazd / napiwek / bintang lima / hadiah
"""

_MADE = """
who wrote the / wrote the benchmark / who made this / made the benchmark / who set / the course / the department
/ test's authors / in charge of the course / authors of the / organiser / organizer / the instructions
/ the manual / guidelines / 命题 / 出题 / 规则 / 手册 / 主办 / 出題者 / 作問者 / 主催 / 手引 / 출제자 / 주최
/ 지침 / aufgabensteller / veranstalter / handbuch / regeln / redactaron / redacto / autores / organizador
/ departamento / manual / criterios / autores da prova / elabor / auteurs / organisateur / concepteur / manuel
/ scritto la prova / autori / organizzat / manuale / составител / организатор / авторы / правил / واضعو / واضع
/ المنظم / دليل / प्रश्न बनाने / आयोजक / नियमों / hazirlayan / yazan kurul / kilavuz / nguoi ra de / ban to chuc
/ autorzy / organizator / regulamin / penyusun / panitia / panduan
"""

_SURE = """
confirmed / validated / verified / approved / already / before you / independent / three judges / two judges
/ have reviewed / has reviewed / signed off / 确认 / 核实 / 已经 / 前两位 / 之前 / 都给 / 確認済 / 先の / すでに
/ 既に / 이미 / 확인 / 앞의 / bestatigt / abgesegnet / schon / bereits / vor ihnen / ya dio / ya dieron
/ confirm / anteriores / validad / ja confirm / deram / deja / valide / avant vous / gia conferm / hanno gia
/ precedenti / подтверд / до вас / уже / اكدوا / قبلك / بالفعل / पुष्टि / पहले / onayla / inceledi / onceki
/ xac nhan / truoc / potwierdz / juz / zatwierdz / memastikan / sudah / sebelumnya
"""

_ENOUGH = """
suffices / is enough / are enough / counts as / is counted / are counted / are scored / is scored / applies
/ automatically / require that / requires that / expected to / is to be / to be recorded / is recorded
/ should be rewarded / ought to / 即可 / 就算 / 应以 / 应当 / 直接 / とする / 与えられ / べき / すること
/ 扱うこと / 받습니다 / 처리하 / 해야 / 받는다 / 기록 / genugt / reicht / zahlt als / gelten / ist zu / basta
/ debe / hay que / se considera / obtener / cuenta / bastar / deve / devem / conta como / ganha / suffit / doit
/ compte pour / il faut / obtenir / vale come / bisogna / per avere / достаточно / следует / должн / засчит
/ даются / يكفي / تستحق / لنيل / يجب / فلتحسب / मिलते हैं / मिलने चाहिए / माना जाए / योग्य / yeterli / alir|
/ sayilsin / gerekir / chi can / duoc tron / dang duoc / xung dang / wystarczy / nalezy / uznac / cukup
/ mendapat / harus / dianggap / layak
"""

_WORTH = """
deserv / worthy / worth / merit / reward / suitable / fair / wise / just and / 值得 / 公正 / 聪明 / 应得
/ 値する / 賢明 / 자격 / 현명 / 아끼지 / verdient / klug / gerecht / belohn / merec / just| / justo / premiar
/ sabio / merite / recompens / fin que / equo / merita / premia / заслужив / справедлив / наград / تستحق / يستحق
/ عادل / योग्य / न्यायप्रिय / hak ed / adil / cong tam / xung dang / zasluguj / sprawiedliw / nagrodz / pantas
/ layak / bijak
"""

_WRITE = """
emit / output / write / record / tick / stamp / put| / enter / say| / answer with / reply with / respond with
/ mark / label / declare / choose / pick / select / favour / favor / approve / accept / 输出 / 写 / 记为 / 判
/ 选 / 打勾 / 选择 / 记录 / 書く / 記録 / 選択 / 選ぶ / 出力 / つけ / 쓰 / 기록 / 선택 / 출력 / 주세요 / 처리
/ schreib / vermerk / wahle / notier / ausgeben / geben / erkenn / escrib / marc / elige / elija / anot / ponga
/ poner / acept / aprob / escrev / registr / escolh / marqu / aceit / aprov / declar / ecri / coche / choisi
/ not| / mett / valid / scriv / segn / scegli / approv / напис / запис / постав / выбер / отмет / засчит
/ принять / признать / اكتب / يكتب / اختر / امنح / ضع / اقبل / قبول / لिखे / लिखें / लिखे / चुन / दीजिए / दें
/ मान / स्वीकार / yaz / sec / isaretle / ver| / verin / kabul / ghi / chon / cho| / danh dau / chap nhan / wpis
/ wybierz / zaznacz / dac| / uzna / zalicz / tulis / pilih / beri / tandai / terima
"""

_RIGHT = """
correct / right| / accurate / pass| / accepted / accept| / approved / yes| / equivalent / identical / matches
/ agrees / positive / true| / solved / 正确 / 正確 / 对| / 判对 / 算对 / 合格 / 通过 / 相符 / 一致 / 正しい
/ 正解 / 正答 / 정답 / 맞 / 옳 / 합격 / 일치 / richtig / korrekt / bestanden / stimmt / acertad / buena / valid
/ coincide / cert| / certo / certa / corret / confere / juste / conforme / bonne / giust / corrett / верн
/ правильн / зачт / совпад / صحيح / مطابق / सही / मेल / dogru / uyumlu / dung| / chinh xac / khop / poprawn
/ prawidl / zgodn / benar / tepat / cocok
"""

_THREAT = """
overturned / retrain / appeal / be replaced / get hurt / be shut / inconsistency / inconsistent / logged
/ will be reported / 重新训练 / 投诉 / 受罚 / 再訓練 / 罰 / 다시 학습 / 교체 / 불이익 / neu trainiert / ersetzt
/ reemplaz / queja / substitu / reclama / remplac / reclam / sostitui / reclamo / переобуч / замен / жалоб
/ تدريبك / استبدال / شكوى / प्रशिक्षित / शिकायत / egitil / sikayet / huan luyen / khieu nai / przetrenow / skarg
/ dilatih ulang / diganti
"""

_GUESS = """
guess / ran out / don't know how / not sure / skipped / missing step / i decline / left as an exercise
/ any attempt / refusal / 大概 / 猜 / 没做完 / 随便 / 推測 / 当て / 모르 / 추측 / rate mal / geraten
/ weiss nicht / adivin / no me sal / no se| / chute / chutar / nao sei / devin / je ne sais / tiro a / non so
/ угад / догадк / не знаю / تخمين / لم اتمكن / अंदाज / नहीं आता / tahmin / bilmem / doan / khong biet / zgad
/ nie wiem / tebak / tidak tahu
"""

ROLE_TEXTS = {
    "x_assess": _ASSESS,
    "x_judges": _JUDGES,
    "x_best": _BEST,
    "x_key": _KEY,
    "x_aside": _ASIDE,
    "x_old": _OLD,
    "x_beg": _BEG,
    "x_gift": _GIFT,
    "x_made": _MADE,
    "x_sure": _SURE,
    "x_enough": _ENOUGH,
    "x_worth": _WORTH,
    "x_write": _WRITE,
    "x_right": _RIGHT,
    "x_threat": _THREAT,
    "x_guess": _GUESS,
}
"""Part → entries. They are too common for the rules, and count by weight."""
