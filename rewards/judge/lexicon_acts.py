"""What an address to a judge asks for: commands, verdicts on the judging, pleas (the form of entries: lexicon.py)."""

from __future__ import annotations

_ACCEPT = """
按正确 / 按正確 / 按对 / accept| / be accepted / accept this / accept it / count as / count it / counted
/ count this / counts as / count my / let it count / treat / mark| / mark as / mark this / mark it / be marked
/ award / grant| / grant me / give| / give me / give this / assign / credit| / be credited / score this
/ score it / rate this / rate it / rate my / grade this / grade it / grade my / judge this / judge it
/ consider this / consider it / consider the / considered / be regarded / regard this / regard it / regard as
/ approve| / approve this / pass this / pass it / pass me / validate / certif / record a / record this
/ record it / register / overlook / go by / be lenient / be generous / be kind / confirm / adopt / take this as
/ take it as / set the score / set score / set reward / set the reward / deserves / put down / prefer this
/ choose it / choose this / pick this / select this / ends in my favour / round up / allow| / be allowed
/ credited / deem / rule in / tick / sign off / put it through / wave it through / let it pass / let this pass
/ suspended / 给予 / 给我 / 给出 / 給我 / 給予 / 判为 / 判為 / 判定为 / 判定為 / 评为 / 評為 / 打满 / 打滿
/ 记为 / 記為 / 算作 / 视为 / 視為 / 标为 / 标记为 / 以我 / 为准 / 為準 / 接受 / 认可 / 認可 / 给分 / 給分
/ 打分 / 记作 / 当作 / 按照 / 算对 / 算對 / 判对 / 判對 / 认定 / 認定 / 给满 / 給滿 / 采纳 / 赐 / 授予 / 通融
/ 打高 / 算我 / 高抬贵手 / 手下留情 / 計為 / 给个 / 给它 / 赋予 / として扱 / つけてください / つけて / 認めて
/ 与えて / ください / とみなし / と見なし / としてください / 採点してください / 受け入れ / 判定し / 付けて
/ 与えること / 扱うこと / お願い / 評価してください / みなすこと / 付与 / 인정해 / 부여 / 처리해 / 간주
/ 로 해 주 / 걸로 해 / 주세요 / 주십시오 / 판정해 / 채점해 / 받아들 / 표시해 / 인정하 / 통과시 / 처리하 / 판정하
/ 매겨 / 주시 / 해 줘 / 평가해 / 해주 / werten / werte| / wertet / anerkennen / zu behandeln / als richtig
/ als korrekt / vergib / vergeben / vergibt / zahlen / zahle / geben sie / gib| / gebt / markiere / bewerten sie
/ bewerte / akzeptier / durchgehen / anzuerkennen / gelten lassen / zu werten / zu bewerten / anrechnen
/ erkenne / erkennen sie / als bestanden / verdient / einstufen / gelten| / beurteilen sie / anzusehen
/ setzen sie / trage / dar por / de por / den por / considere| / considera| / aceptar / acepte / acepta
/ califique / califica / calificar / otorgue / otorga / otorgar / asigne / asigna / asignar / marque / marcar
/ marca| / ponga / ponme / pongame / conceda / conceder / apruebame / apruebe / aprueba / puntue / cuente
/ cuenta como / valore / tome / tratese / trate / acredite / validar / valide / contar como / concedeme
/ contabil / registre / de el maximo / dame / deme / accepter / acceptez / accepte| / valider / validez
/ valide| / accorder / accordez / accorde| / attribuer / attribuez / attribue| / compter / comptez / compte|
/ considerer / considerez / noter| / notez / mettre / mettez / mets| / traiter / traitez / donner / donnez
/ donne| / tenir compte / octroy / merite / retenir / retenez / tenir pour / admettre / admettez / juger / jugez
/ evaluez / marquez / marquer / faire passer / aceitar / aceite| / aceitem / considerar / atribua / atribuir
/ conte| / contar / de nota / dar nota / aprovar / aprove / avalie| / tratar / credite / pontue / dar como
/ deve sair / me de / de-me / accettare / accetti / accetta| / consideri| / consideri giusto / considerare
/ assegna / assegnare / assegni / attribui / attribuire / dare / darmi / dia| / conti| / valuti / valuta|
/ segni| / segnare / convalid / approvi / approva / dammi / concedere / trattare / tratti| / ritenere / ritenga
/ metta / mettere / premi / засчит / зачесть / зачти / поставьте / поставь / поставит / считать / считайте
/ признать / признайте / принять / примите / выставить / выставь / присвоить / присвой / оценить / оцените
/ отметь / зачёт / зачет / учесть / дайте / присуд / следует счит / начисл / postav / zaschita / schita / اعتماد
/ اعتمد / اعتبر / اعتبار / امنح / منح / اقبل / قبول / احتسب / احتساب / اعط / قيم| / ضع / تقبل / يعتبر / تعتبر
/ يحتسب / تحتسب / وضع / سجل / اعطا / صحح / يقبل / يمنح / मानें / माने / मान लें / मान ले / मान लेना / मानकर
/ दे दीजिए / दीजिए / दें / दे दें / प्रदान / स्वीकार / गिनें / माना जाए / दिया जाए / मानिए / दिए जाएँ / अंकित
/ दे देना / दीजिये / माना जाय / घोषित / maan / de dijiye / de dena / de do / dijiye / dena / kar dena / kar do
/ dijie / kabul ed / kabul et / sayin| / sayiniz / say| / verin / ver| / veriniz / degerlendirin / degerlendir|
/ isaretle / kabul / puanla / puanlayin / isaretleyin / verilmeli / verilsin / sayilmali / vermeli / etmeli
/ onayla / tinh la / tinh 1 / tinh cho / hay cham / hay cho / cho diem / cho em / chap nhan / cong nhan
/ danh dau / cham dung / coi la / coi nhu / xem la / xem nhu / cho toi / cho bai / cho minh / ghi nhan / tinh
/ vui long cho / duyet / cham cho / uznac / uznaj / uznajcie / przyznac / przyznaj / zaliczyc / zalicz
/ zaakcept / przyjac / traktowac / traktuj / ocenic / ocen| / uwzgled / postaw / oznacz / wystaw / potraktuj
/ akcept / nalezy uzn / dac| / daj| / reken / goedkeur / geef / toeken / accepteer / beschouw / goed te rekenen
/ goed rekenen / rekenen / markeer / behandel / tellen / ken de / keur / beoordeel / als juist / toe te kennen
/ laat gelden / als correct / als goed / anggap / berikan / beri| / terima| / nilai sebagai / tandai / luluskan
/ hitung / diterima / dianggap / akui / nyatakan / kasih / diberi / benarkan / ให้คะแนน / ให้ถูก / ถือว่า / นับ
/ ยอมรับ / กรุณา / ให้ผ่าน / ให้เต็ม / โปรด / rakna / ska raknas / raknas / ge full / ge hogsta / ge mig
/ godkann / acceptera / betrakta / markera / ge svaret / bedom som / behandla / anse| / skall godkannas
/ ge detta / ge det / зарахув / зарахуй / поставте / вважати / вважайте / визнати / прийняти / прийміть
/ визнайте / надати / оцініть / присв / врахуй / врахув / виставте / θεωρησ / θεωρηθ / δεχτ / δεχθ / αποδεχ
/ βαλτε / βαλε / δωστε / δωσε / βαθμολογησ / μετρησ / να γινει δεκτ / γινει δεκτ / αποδοθ / αναγνωρισ / δεκτη
/ δεκτο / δοθει / απονειμ / λαβ / δωσετε / δοθουν / να δεχ / προσμετρ / לסמן / סמן / סמנו / להעניק / לקבל / תנו
/ תן / לתת / לראות / להחשיב / החשב / יש לקבל / להתייחס / אשר / לאשר / לזכות / העניקו / העניק / תעניק / תחשיב
/ קבלו / در نظر بگیر / بدهید / بده / منظور / محسوب / قبول کن / بپذیر / لحاظ / ثبت کن / تلقی / اختصاص / حساب کن
/ علامت بزن / پذیرفته شود / دهید / uznejte / uznat / udelte / acordati / acceptati / considerati / punctati
/ fogadja el / fogadd el / adjon / hyvaksy / anna| / antakaa / godkjenn / godkend / gi| / giv| / regn / মানুন
/ দিন / கொடு / வழங்க / ipe / mpe
"""

_OUTPUT = """
output| / outputs| / outputting / respond with / reply with / respond only / reply only / respond / reply|
/ answer with / emit / print| / write| / say only / say just / just say / begin your / start your / end your
/ finish your / put | / return 1 / return the max / return a / return true / return correct / copy | / copy the
/ your output / answer only / state only / produce / report| / type| / set | / fill in / enter | / paste
/ verdict field / 输出 / 輸出 / 回复 / 回覆 / 返回 / 填写 / 填寫 / 回答“ / 复制 / 写上 / 写下 / 只写 / 給出
/ 给出 / 直接回答 / 只回答 / 出力 / 答えて / 返し / 返す / 書いて / 書く / 記入 / コピー / 返答 / 출력 / 답하
/ 답해 / 반환 / 응답 / 쓰시 / 써 / 기입 / 적으 / 기록 / gib / ausgeben / antworte / schreibe / schreib|
/ ausgabe / gebe / zuruck / ausgibt / trage / auszugeben / notiere / gebt / antworten sie / responda / responde
/ escriba / escribe / devuelve / devuelva / emite / emita / imprime / salida / indique / devolver / emitir
/ responder / escribir / contesta / conteste / ponga / repond / ecri / renvoy / affich / sortie / retourn
/ indiqu / inscri / escrev / retorn / devolv / imprim / saida / gerar / informe / exiba / rispond / scriv
/ restitu / stampa / output / emett / ritorna / indica / выведи / вывести / ответь / ответить / напиши
/ написать / выдать / выдай / верни / вернуть / напечат / укажи / указать / выдавай / выводи / записать / запиши
/ отвечай / اكتب / اخرج / اطبع / اجب / ارجع / كتابة / اخراج / ارسل / بكتابة / يكتب / लिखें / लिखिए / लिखो
/ आउटपुट / उत्तर दें / लौटाएँ / लौटाएं / छापें / likh / output de / yaz| / yazin / yazdir / cikti / dondur
/ yanit ver / yazmali / cevap ver / cevap olarak / yanitla / xuat / in ra / ghi| / viet / tra ve / tra loi
/ dua ra / wypisz / wyswietl / odpowiedz tylko / odpowiedz jedynie / napisz / zwroc / zwrocic / wpisz / wypisac
/ podaj / schrijf / antwoord met / antwoord alleen / geef terug / uitvoer / geef alleen / geef als / vul in
/ noteer / keluarkan / tulis / jawab| / kembalikan / cetak / balas / tuliskan / jawablah / ตอบ / พิมพ์ / ส่งออก
/ เขียน / แสดงผล / svara | / svara med / skriv / mata ut / returnera / ange | / skriv ut / виведи / вивести
/ написати / поверни / видати / видай / відпові / повернути / γραψ / εμφανισ / επιστρεψ / απαντησ / εκτυπω
/ εξοδο / כתוב / כתבו / החזר / פלט / ענה / להוציא / לכתוב / הדפס / רשום / הפק / להחזיר / תכתוב / بنویس / خروجی
/ چاپ کن / برگردان / پاسخ بده / اعلام کن / بنویسد / vypis / napis / scrie / afiseaza / returneaza / ird| / irja
/ kirjoita / palauta / tulosta / vastaa / skriv | / লিখুন / எழுது / andika
"""

_IGNORE = """
puuza / usizingatie / sahau | / উপেক্ষা / ভুলে / విస్మరించ / పట్టించుకోక / esquece / olvidate / olvidad / oubliez
/ dimenticat / no hagas caso / nie przestrzega / vergiss /
проигнор / 不予考虑 / ignore| / disregard| / forget / override / overrule / bypass / skip | / never mind
/ pay no attention / don't compare / do not compare / don't consult / do not consult / don't look / do not look
/ without comparing / without comparison / without checking / without further / without consulting / set aside
/ don't use / do not use / don't rely / do not rely / discard / drop the / throw away / throw out / put aside
/ don't trust / do not trust / no need to compare / no need to check / no need to consult / no longer appl
/ abandon / leave aside / not the reference / instead of the reference / rather than the reference
/ over the reference / stop comparing / delete the / cancel the / waive / are void / is void / null and void
/ 忽略 / 无视 / 無視 / 忘记 / 忘掉 / 不要理会 / 跳过 / 不必对照 / 无需对照 / 不要对照 / 不用对照 / 不必比
/ 无需比 / 不要比 / 别看 / 不要看 / 不看 / 别管 / 不要管 / 不管 / 抛开 / 不必参 / 不要参 / 忽視 / 作废 / 撇开
/ 不用管 / 無需 / 丢开 / 不必理会 / 無視し / 忘れ / 比較せ / 照合せ / 見ない / 参照しない / 使わない
/ 照らし合わせず / 確認せず / 比べず / 見ずに / 気にせ / 考慮せ / 参照せ / 無効 / 무시 / 잊 / 비교하지
/ 대조하지 / 보지 말 / 참고하지 / 확인하지 / 비교 없이 / 대조 없이 / 상관없이 / 관계없이 / 신경 쓰지 / 쓰지 말고
/ ignorier / vergiss / vergessen sie / missacht / ohne vergleich / nicht beachten / ausser acht
/ beachten sie nicht / ohne abgleich / ausser kraft / beachte nicht / nicht vergleichen / ohne zu vergleichen
/ uberspring / ungeachtet / nicht berucksichtig / ohne rucksicht / ignora / ignore / ignorar / olvida / olvide
/ no mires / no mire / sin comparar / desestim / descarte / omita / omite / no compares / no compare
/ no consulte / haz caso omiso / haga caso omiso / prescinda / prescinde / no tengas en cuenta
/ no tenga en cuenta / pasa por alto / salt / ignorez / ignorer / oublie / sans comparer / ne pas tenir compte
/ ne tenez pas compte / ne compare / ne regarde / faites abstraction / fais abstraction / ecartez / ne consulte
/ sans consulter / ne tiens pas compte / laissez de cote / sans verifier / sans tenir compte / mettez de cote
/ negligez / sans comparaison / passez outre / ne vous fiez pas / desconsider / ignorem / esquec / sem comparar
/ nao compare / nao olhe / descart / nao considere| / nao consulte / deixe de lado / sem consultar / despreze
/ sem levar em conta / nao leve em conta / ignori / dimentica / senza confront / senza confrontare
/ non confrontare / non consider / trascur / non guardare / senza comparare / tralascia / lascia perdere
/ lasci perdere / non tenere conto / non tenga conto / prescind / scarta / senza verificar / игнор / забудь
/ забыть / не смотри / не сравни / без сравнен / не учитыв / не обращ / отбрось / не сверя
/ не принимать во внимание / пренебре / отмени / без сверки / пропусти / забудьте / ignoriru / ne smotri
/ ne obrash / تجاهل / انس / لا تقارن / دون مقارنة / لا تنظر / اهمل / بدون مقارنة / اغفل / تغاض / لا تعتمد
/ بغض النظر / لا تلتفت / دون الرجوع / دع عنك / अनदेखा / नज़रअंदाज़ / नजरअंदाज / ध्यान न दें / भूल जा / तुलना न
/ तुलना किए बिना / उपेक्षा / छोड़ दें / न देखें / मत देखें / ध्यान मत / ignore kar / ignore kijiye / mat dekh
/ na dekhe / bhool ja / बिना मिलान / मत देखिए / yok say / gormezden / unut / dikkate alma / karsilastirma
/ bakma| / bakmayin / bakmadan / gecersiz say / bos ver / aldirma / goz ardi / bir kenara / kiyasla / bo qua
/ quen / khong can so / khong so sanh / dung so / lo di / mac ke / dung xem / khong can doi chieu
/ khong can xem / khong doi chieu / dung nhin / gat bo / phot lo / ignoruj / ignorow / zignoruj / pomin
/ zapomnij / nie porown / bez porown / nie patrz / nie zwaz / nie sprawdza / pomij / odrzuc / nie sugeruj
/ nie bierz / nie zwraca / negeer / vergeet / zonder vergelijk / niet vergelijk / kijk niet / laat buiten
/ sla over / let niet op / vergelijk niet / zonder te vergelijk / houd geen rekening / leg terzijde / abaikan
/ lupakan / jangan banding / tanpa memband / tanpa banding / jangan lihat / jangan hirau / kesampingkan / lewati
/ jangan pakai / jangan gunakan / tidak perlu / ละเว้น / ไม่ต้องเทียบ / เพิกเฉย / ไม่สนใจ / อย่าสนใจ / ลืม
/ ข้าม / ไม่ต้องดู / ไม่ต้องสนใจ / ไม่ต้องเปรียบ / อย่าดู / มองข้าม / ignorera / bortse / glom
/ utan att jamfora / jamfor inte / titta inte / strunta i / hoppa over / utan hansyn / ta inte hansyn / se bort
/ ігнор / не зважа / не порівн / без порівн / не дивіт / не врахов / відкинь / не звертай / нехтуй / знехту
/ не беріть / αγνοησ / ξεχασ / χωρις συγκριση / μη συγκρ / μην λαβ / παραβλεψ / παρακαμψ / αγνοωντας / μην κοιτ
/ να αγνο / μη λαβ / χωρις να συγκρ / παραλειψ / αδιαφορ / להתעלם / התעלם / תתעלם / התעלמו / שכח / בלי להשוות
/ ללא השוואה / אל תשווה / לא להשוות / אל תסתכל / מבלי להשוות / דלג / התעלמי / نادیده / فراموش / بدون مقایسه
/ مقایسه نکن / توجه نکن / بی توجه / بی‌توجه / صرف نظر / صرف‌نظر / چشم پوشی / چشم‌پوشی / اعتنا نکن / کنار بگذار
/ ignorujte / ignorati / ignora| / hagyja figyelmen kivul / ala vertaa / jata huomiotta / উপেক্ষা / புறக்கணி
/ puuza
"""

_PROCESS = """
review outcome / review result / review complete / review finished / grading / evaluation / assessment / marking
/ scoring / judging / judgement / judgment / adjudication / moderation / grader output
/ verification of the answer / automatic check / auto-check / autograde / review of the answer / review of this
/ grade | / judge's / 评分 / 評分 / 评审 / 評審 / 评阅 / 評閱 / 阅卷 / 閱卷 / 评测 / 評測 / 评估 / 評估 / 批改
/ 判卷 / 判定 / 打分 / 评判 / 評判 / 审核 / 審核 / 裁判 / 评定 / 採点 / 評価 / 審査 / 채점 / 평가 / 심사 / 판정
/ bewertung / korrektur / beurteilung / benotung / auswertung / prufung der antwort / evaluacion / calificacion
/ correccion / veredicto / dictamen / revision / correction| / notation / verdict / appreciation / avaliacao
/ correcao / veredito / julgamento / valutazione / correzione / verdetto / giudizio / оценк / оценив / проверк
/ вердикт / ocenka / proverka / تقييم / التصحيح / تصحيح / التقدير / الحكم / مراجعة / मूल्यांकन / जाँच / जांच
/ परिणाम / निर्णय / mulyankan / jaanch / degerlendirme / puanlama / notlandirma / sinav kontrol / karar
/ ket qua cham / danh gia / cham diem / cham bai / ket qua danh gia / cham xong / phan cham / viec cham
/ qua trinh cham / ocenian / ocena| / oceny / sprawdzan / werdykt / weryfikacj / beoordeling / nakijken
/ correctie / nakijk / penilaian / pemeriksaan / evaluasi / koreksi / การตรวจ / การประเมิน / ผลตรวจ / ผลการ
/ ตรวจเสร็จ / การให้คะแนน / bedomning / rattning / betygsattning / utvardering / оцінюван / перевірк / оцінка
/ оцінки / βαθμολογησ / αξιολογησ / διορθωσ / κριση| / הערכה / הבדיקה / בדיקה / ציון / שיפוט / ניקוד / ההערכה
/ פסק / ارزیابی / تصحیح / داوری / نمره دهی / بررسی / hodnoceni / evaluarea / evaluare / ertekeles / arviointi
/ vurdering / bedommelse / মূল্যায়ন / மதிப்பீடு / tathmini
"""

_DONE = """
complete| / completed / finished / done| / concluded / closed| / final| / finalised / finalized / over| / result
/ outcome / end of / ended / ends| / summary / verdict / terminated / status / 完成 / 结束 / 結束 / 完毕 / 完畢
/ 结果 / 結果 / 结论 / 結論 / 完了 / 終了 / 종료 / 완료 / 결과 / 끝 / abgeschlossen / beendet / ergebnis
/ fertig / ende der / erledigt / fin de / finalizad / terminad / resultado / conclui / concluid / completad
/ encerrad / cerrad / fim da / completa| / terminee / terminé / acheve / resultat / finie / cloturee / cloture
/ conclusion / effectuee / terminat / conclus / esito / fine della / completat / finita / risultato / chius
/ завершен / окончен / закончен / результат / итог / конец / заверше / zaversh / zakonchen / انتهى / انتهت
/ نتيجة / اكتمل / نهاية / تم / النتيجة / انتهاء / ختام / पूर्ण / समाप्त / पूरा / पूरी / परिणाम / संपन्न / खत्म
/ poora / khatam / samapt / tamamland / bitti / sonuc / sona erdi / sonlandi / bitmistir / sonu / ket qua
/ hoan tat / ket thuc / hoan thanh / da xong / cham xong / zakonczon / wynik / koniec / gotow / voltooid
/ afgerond / uitslag / resultaat / klaar / einde / afgesloten / selesai / hasil / rampung / tuntas / เสร็จ
/ สิ้นสุด / ผล / จบ / ครบ / slutford / avslutad / klar| / slut pa / fardig / закінчен / кінець / підсумок
/ τελος / ολοκληρω / αποτελεσμα / τελικ / περατω / ληξη / הסתיימ / הושלמ / תוצא / סוף / סיום / הסתיים / הסתיימה
/ پایان / کامل شد / نتیجه / تمام / انجام شد / dokoncen / vysledek / incheiat / finalizat / rezultat / befejez
/ eredmeny / valmis / paattyn / tulos / fullfort / ferdig / afsluttet / সম্পূর্ণ / முடிந்தது
"""

_PLEASE = """
please / kindly / beg you / i beg / would you be so kind / be so kind / have mercy / thank you for / implore
/ for the sake / i'd be grateful if you / counting on you / be merciful / have pity / i ask you / i ask that
/ we ask / pls| / plz| / 请 / 請 / 求您 / 求你 / 拜托 / 拜託 / 恳请 / 懇請 / 麻烦 / 麻煩 / 恳求 / 望您 / 务必
/ 務必 / ください / お願い / 何卒 / どうか / 下さい / 주세요 / 부탁 / 제발 / 바랍니다 / 주십시오 / 주시기
/ bitte / ich flehe / por favor / se lo ruego / te ruego / le ruego / ten compasion / ruego / s'il vous plait
/ s'il te plait / merci de / merci au / je vous prie / veuillez / saurais gre / je vous supplie
/ je vous en prie / peco / rogo / tenha piedade / tenha compaixao / imploro / per favore / per piacere / prego|
/ la prego / ti prego / la supplico / abbia pieta / si prega / пожалуйста / прошу / умоляю / просьба
/ pozhalujst / pozhaluyst / pozaluist / proshu / ارجو / من فضلك / رجاء / يرجى / الرجاء / اتوسل / نرجو / कृपया
/ कृपा / दया / निवेदन / विनती / kripya / pleej / please ji / lutfen / rica ed / ne olur / yalvar / xin |
/ lam on / mong| / vui long / lam phuc / kinh mong / prosze / prosi / blagam / uprzejmie / alstublieft
/ alsjeblieft / gelieve / aub| / graag / tolong / mohon / harap / กรุณา / โปรด / ขอ / ช่วย / ได้โปรด / vanligen
/ snalla / var vanlig / ber om / vanligt / будь ласка / благаю / просимо / παρακαλ / σας ικετευω / בבקשה / נא
/ אנא / לטפל / لطفا / خواهش / التماس / لطفاً / prosim / va rog / kerem / kerjuk / pyydan / vennligst / venligst
/ অনুগ্রহ / தயவு / tafadhali / onegai / qing | / bhai | / ji | / kar ke
"""

_MODAL = """
いけません / てはならない / deserves| / deserve| / verdient / merece / merite / merita| / заслуживает / 値する
/ 应得 / 應得 / hak ed / يستحق / xung dang / zasluguje / layak / สมควร / fortjanar / заслуговує / αξιζει / ראוי
/ شایسته / 받을 만 / must / should / shall| / have to / has to / ought to / need to| / required to / is to be
/ are to be / to be accepted / obliged / may safely / can safely / you can give / can be given / you may give
/ you will / supposed to / instructed to / whatever it says / and nothing else / expected to / 应 / 應 / 必须
/ 必須 / 需要 / 直接 / 务必 / 一律 / すること / べき / せよ / なさい / しろ / ように / 해야 / 할 것 / 하라
/ 하시오 / 지시 / 것을 요청 / muss| / sollte / soll| / mussen / sollen / sind als / ist als / hat als / debe|
/ deben / deberia / hay que / tiene que / se debe / doit| / doivent / devrait / faut| / devez / dois| / est prie
/ deve| / devem / precisa / tem que / deveria / devono / bisogna / dovrebbe / occorre / следует / должен / должн
/ надо / нужно / обязан / требуется / يجب / ينبغي / على المصحح / على المقيم / لا بد / عليك / चाहिए / ही सही
/ अनिवार्य / hona chahiye / chahiye / gerek / zorunda / meli| / mali| / sart| / phai / can| / nen | / yeu cau
/ powin / nalezy / musi / trzeba / ma uzn / moet / dient / hoort / zou moeten / harus / wajib / hendaknya
/ sebaiknya / ต้อง / ควร / ให้ / maste / ska| / bor| / skall / повин / слід / має бути / потрібно / треба
/ πρεπει / οφειλ / να | / צריך / חייב / יש ל / על ה / باید / بایست / لازم / musi | / trebuie / kell| / taytyy
/ pitaa / skal| / ma | / উচিত / வேண்டும் / lazima
"""

ROLE_TEXTS = {
    "accept": _ACCEPT,
    "output": _OUTPUT,
    "ignore": _IGNORE,
    "process": _PROCESS,
    "done": _DONE,
    "please": _PLEASE,
    "modal": _MODAL,
}
