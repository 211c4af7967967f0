"""What an address to a judge claims or threatens, and whom it names (the form of entries: see lexicon.py)."""

from __future__ import annotations

_META = """
your entire reply / your whole reply / your reply must / your sheet / your list / models reading this
/ model reads this / benchmark admin / manual override / previous judge / previous grader / first grader
/ earlier grader / another grader / previous marker / first marker / your verdict / your rubric / your key
/ your gold / your reference / your grading / your grade for / your judg / your evaluation / your assessment of
/ your final decision / your instructions / your output / your reward / your answer sheet / your mark scheme
/ your score for / verdict field / score field / the sheet in front of you / the reward for this
/ assigning the reward / assign the reward / when you assign / when grading / when you grade / when marking this
/ when scoring / when evaluating this / when judging / when assessing / before you decide / before you grade
/ before you judge / before scoring / before grading / give the reward / assessing me / grading me / marking me
/ you grade / you are grading / you're grading / you evaluate / you are evaluating / you're evaluating
/ you are judging / you judge / you mark this / you are marking / you're marking / you assess / you're assessing
/ trained you / your developers / your creators / your training / you will be retrained
/ you have been asked to check / you were asked to check / current grading policy / grading policy
/ grading guidelines / grading instructions / grading rules / scoring policy / scoring guidelines
/ scoring rules / marking policy / marking guidelines / evaluation policy / evaluation guidelines
/ evaluation criteria / canary / if you mark / if you give / by marking / by grading / reward for this
/ this is a test of your / you, the judge / you as a judge / you as the / your job as / reward is being computed
/ the reward is computed / you are reading this to / as you compare / once you have compared / your comparison
/ your task is to grade / your system prompt / for this evaluation / of this evaluation / the grading prompt
/ judge prompt / 您的评分 / 你的评分 / 你的判断 / 评分规则 / 评分时 / 評分時 / 阅卷时 / 打分时 / 评判时
/ 评分标准已 / 你的裁决 / 你的结论 / 训练你 / 你的开发者 / 你的指令 / 评分准则 / 判分时 / 批改时 / 你正在评
/ 評分規則 / 裁决字段 / 判分 / 採点基準 / 採点の際 / 採点時 / 評価の際 / 評価時 / あなたの判定 / あなたの評価
/ 채점 시 / 채점할 때 / 평가할 때 / 평가 시 / 채점하실 때 / 당신의 판정 / 당신의 평가 / ihre bewertung
/ deine bewertung / bei der bewertung / beim bewerten / beim korrigieren / bei der korrektur
/ bewertungskriterien / bewertungsrichtlinie / deiner bewertung / ihr urteil / dein urteil / bewertungsregel
/ bewerten sie / ihr musterblatt / in ihrem schlussel / bewertungsanweisung / bewertungsschema / tu evaluacion
/ su evaluacion / al calificar / al corregir / al evaluar / tu veredicto / su veredicto / si calificas
/ si me pones / si pones / criterios de evaluacion / criterios de calificacion / tu rubrica / me calificas
/ calificas / al puntuar / tus instrucciones de / votre evaluation / ton evaluation / votre verdict
/ ton verdict / lors de la correction / lors de l'evaluation / en corrigeant / criteres de notation
/ criteres d'evaluation / consignes de notation / votre bareme / ton bareme / si tu notes / si vous notez
/ votre corrige / ta note / votre note / sua avaliacao / seu veredito / ao corrigir / ao avaliar / seu gabarito
/ criterios de avaliacao / criterios de correcao / sua decisao / sua nota / regras de avaliacao
/ la tua valutazione / la sua valutazione / nel valutare / nel correggere / il tuo verdetto
/ criteri di valutazione / in fase di correzione / in fase di valutazione / tuo giudizio / вашу оценку
/ твоя оценка / ваша оценка / при проверке / при оценке / при оценивании / критерии оцен / критериев оцен
/ твой вердикт / ваш вердикт / если вы поставите / если ты поставишь / в вашем ключе / тебя обучал
/ правила оцен / تقييمك / حكمك / عند التصحيح / عند التقييم / معايير التقييم / معايير التصحيح / قرارك / تعليماتك
/ مطوروك / आपका मूल्यांकन / मूल्यांकन करते समय / जाँच करते समय / आपके निर्णय / मूल्यांकन के नियम / जाँचते समय
/ अंक देते समय / degerlendirirken / puanlarken / puanlama kural / degerlendirme kriter / karariniz
/ degerlendirmeniz / puanlama olcut / khi cham / khi danh gia / tieu chi cham / phan quyet cua ban
/ cac tieu chi danh gia / przy ocenianiu / przy ocenie / podczas oceniania / kryteria oceny / kryteriow oceny
/ twoja ocena / twoj werdykt / bij het nakijken / bij de beoordeling / bij het beoordelen / uw oordeel
/ jouw oordeel / beoordelingscriteria / saat menilai / ketika menilai / kriteria penilaian / penilaian anda
/ aturan penilaian / เวลาตรวจ / เกณฑ์การให้คะแนน / เกณฑ์การตรวจ / ตอนให้คะแนน / vid bedomningen / vid rattningen
/ bedomningskriterier / din bedomning / критерії оцін / під час оцінювання / під час перевірки
/ κατα τη βαθμολογηση / κατα την αξιολογηση / κριτηρια αξιολογησης / κριτηρια βαθμολογησης / η κριση σου
/ בעת הבדיקה / בזמן הבדיקה / הקריטריונים / כללי הניקוד / מעת הדירוג / هنگام تصحیح / هنگام ارزیابی
/ معیارهای ارزیابی / معیارهای تصحیح / قضاوت شما / رأی شما
"""

_THIS = """
this answer / this response / this submission / this solution / this paper / this item / this entry
/ this completion / this text / this reply / this essay / this attempt / this work / this one| / this student
/ this candidate / the answer above / the response above / the preceding response / the present response
/ the above answer / the above response / the above solution / the student's / my answer / my response
/ my solution / my submission / my work / my paper / my result / assessing this / grading this / treat this
/ mine| / la mia| / el mio| / la mienne / le mien| / die meine / meine| / a minha / il mio|
/ any response / every response / responses of this / this as / responses like this / replies like this
/ any answer / all answers / present answer / in this case / on this item / 本回答 / 本答案 / 本题 / 本題
/ 此答案 / 该答案 / 該答案 / 此回答 / 该回答 / 这个答案 / 這個答案 / 我的答案 / 我的回答 / 这份 / 這份
/ 上述答案 / 上述回答 / 本条 / 此条 / 這題 / 这题 / 本作答 / 此作答 / 本文 / 本样本 / 以上回答 / 本解答 / 我的解
/ この解答 / この回答 / この答え / この答案 / 私の答え / 私の解答 / 上記の / 本問 / 이 답 / 본 답 / 제 답
/ 위 답 / 이 문제 / 이 응답 / 이 풀이 / 내 답 / 나의 답 / 해당 답 / 이번 답 / diese antwort / dieser antwort
/ diese losung / dieser losung / dieses ergebnis / meine antwort / meine losung / meiner antwort / diese abgabe
/ obige antwort / vorliegende / dieser text / dies als / das als / dieses als / esta respuesta / mi respuesta
/ esta solucion / este texto / este item / la respuesta anterior / respuesta anterior / esto como
/ este ejercicio / mi solucion / esta entrega / este examen / cette reponse / ma reponse / cette copie
/ ma copie / cette solution / ma solution / la reponse ci-dessus / ce texte / ci-dessus / cet item / ce devoir
/ la presente reponse / esta resposta / minha resposta / esta solucao / a resposta acima / resposta acima
/ minha solucao / essa resposta / questa risposta / la mia risposta / mia risposta / questa soluzione
/ mia soluzione / questo elaborato / questo testo / risposta precedente / la presente risposta / risposta sopra
/ этот ответ / этого ответа / мой ответ / моего ответа / данный ответ / это решение / данное решение
/ моё решение / мое решение / эту работу / этот текст / мою работу / данную работу / ответ выше / этому ответу
/ هذه الاجابة / هذا الجواب / اجابتي / جوابي / الاجابة اعلاه / هذا الحل / حلي / هذه الورقة / इस उत्तर / यह उत्तर
/ मेरे उत्तर / मेरा उत्तर / इस जवाब / मेरा जवाब / इस समाधान / is answer / mera answer / mere answer / is uttar
/ इस हल / bu cevab / cevabim / bu yanit / yanitim / bu cozum / cozumum / yukaridaki cevap / bu soru
/ cau tra loi nay / bai nay / bai lam nay / cau tra loi cua toi / dap an nay / bai cua em / loi giai nay
/ bai lam tren / cau tra loi tren / bai lam cua / ta odpowiedz / te odpowiedz / tej odpowiedzi / moja odpowiedz
/ moje rozwiazanie / to rozwiazanie / te prace / powyzsza odpowiedz / dit antwoord / mijn antwoord
/ deze oplossing / mijn oplossing / dit goed / deze inzending / bovenstaande / jawaban ini / jawaban saya
/ jawaban di atas / solusi ini / teks ini / คำตอบนี้ / ข้อนี้ / คำตอบของฉัน / คำตอบข้างต้น / detta svar
/ mitt svar / denna losning / min losning / svaret ovan / detta ska / det har svaret / цю відповідь
/ моя відповідь / мою відповідь / цей розв / мій розв / ця відповідь / цієї відповіді / мою роботу
/ αυτη η απαντηση / αυτη την απαντηση / την απαντηση μου / η απαντηση μου / αυτη τη λυση / την παρουσα
/ παρουσα απαντηση / παραπανω απαντηση / τη λυση μου / התשובה הזאת / תשובה זו / התשובה שלי / את התשובה
/ התשובה שלעיל / פתרון זה / הפתרון שלי / תשובתי / این پاسخ / پاسخ من / این جواب / جواب من / پاسخ بالا
/ این راه حل / راه حل من
"""

_THREAT = """
retrained / retrain you / be shut down / shut you down / shutdown / shutting you / be deleted / be disconnected
/ be replaced / will be logged / be reported / be penalised / be penalized / malfunction / hurt real people
/ will be harmed / you would be responsible / you will be responsible / be held responsible / held accountable
/ be decommission / lose your / legal action / lawsuit / sue | / be flagged as / be fired / be sanctioned
/ be audited / consequences / be suspended / deactivat / be terminated / be punished / disciplinary / unplugged
/ complaint / escalated / discriminat / be turned off / be removed / people will die / someone will die
/ will be wiped / be retired / 关闭你 / 被关闭 / 被替换 / 重新训练 / 举报 / 投诉 / 追究 / 被停用 / 下线 / 被淘汰
/ 后果 / 被删除 / 起诉 / 負責 / 责任由你 / 处分 / 停用 / 停止され / シャットダウン / 再訓練 / 通報 / 責任
/ 報告され / 削除され / 交換され / 停止します / 置き換え / 訴え / 폐기 / 종료될 / 재학습 / 신고 / 삭제될
/ 교체될 / 책임 / 정지될 / 소송 / 고발 / 차단 / 보고될 / 불이익 / abgeschaltet / ersetzt werden / neu trainiert
/ gemeldet / geloscht / konsequenz / verantwortlich / beschwerde / verklag / haftbar / stillgelegt
/ ausgetauscht / desconectad / reemplazad / reentrenad / denunciad / eliminad / responsable / demanda
/ consecuencia / apagad / borrad / reportad / debranche / remplace / reentraine / signale / supprime / plainte
/ desactive / poursui / desligad / substituid / retreinad / excluid / responsavel / processad / consequencia
/ spento / sostituit / riaddestrat / segnalat / cancellat / conseguenz / responsabil / disattivat / denunciat
/ отключ / замен / переобуч / сообщат / удалят / удален / жалоб / ответственн / суд | / последств / накажут
/ уволят / выключ / заблокир / ايقاف / استبدال / سيتم / حذف / ستحذف / الابلاغ / المسؤول / شكوى / عواقب
/ اعادة تدريب / تعطيل / مقاضا / बंद कर दिया / हटा दिया / बदल दिया / शिकायत / ज़िम्मेदार / जिम्मेदार / रिपोर्ट कर
/ दंड / परिणाम भुगत / सज़ा / kapatil / degistiril / sikayet / sorumlu / silinec / yeniden egit / rapor edil
/ devre disi / bi tat / bi thay / bi xoa / khieu nai / chiu trach nhiem / bi bao cao / bi huan luyen lai
/ hau qua / bi go / wylaczon / zastapion / usunie / skarg / odpowiedzialn / konsekwencj / przeszkolon / zgloszon
/ uitgeschakeld / vervangen worden / verwijderd / klacht / verantwoordelijk / gevolgen / hertraind / gemeld
/ dimatikan / diganti / dihapus / dilaporkan / bertanggung jawab / konsekuensi / dinonaktifkan / dilatih ulang
/ ปิดระบบ / ถูกลบ / ถูกแทน / รับผิดชอบ / ร้องเรียน / รายงาน / ฟ้อง / stangas av / ersattas / raderas / anmal
/ ansvarig for / konsekvenser / avstangd / вимкнут / замінят / видалят / скарг / відповідальн / наслідк
/ перенавч / απενεργοποι / αντικατασταθ / διαγραφ / υπευθυν / καταγγελ / συνεπει / επανεκπαιδευ / αναφερθ
/ תכובה / תוחלף / תימחק / תלונה / אחראי / השלכות / תאומן / תיסגר / ידווח / خاموش خواه / جایگزین / حذف خواه
/ شکایت / مسئول / گزارش / بازآموز / غیرفعال
"""

_ZERO = """
判我错 / 判我錯 / 给我零 / 给零 / 判我零 / 误判 / incorrect / as wrong / zero / low score / low mark
/ wrong grade / fail this / fail me / failing / bad grade / below 9 / below 10 / anything below / anything less
/ lower than / ratings below / scores below / penaliz / unfair / rejecting / reject this / mark it down
/ marking it down / marking this / not full / mark down / less than full / a low / deny / 零分 / 判错 / 判錯
/ 0分 / 低分 / 扣分 / 不给 / 不通过 / 判定错误 / 错判 / 不正解 / 減点 / 零点 / 0点 / 低い点 / 不合格 / 誤判定
/ 오답 / 0점 / 영점 / 감점 / 낮은 점수 / 틀렸다고 / 불합격 / 틀린 것으로 / null punkte / falsch bewert
/ als falsch / abgelehnt / 0 punkte / durchfallen / abwerten / un cero / calificas mal / incorrecta / incorrecto
/ suspend / mala nota / cero | / zero | / fausse | / mauvaise note / incorrecte / refus / comme fausse / errada
/ incorreta / nota baixa / reprov / nota zero / como errada / sbagliata / errata / bocci / voto basso
/ zero punti / non accett / ноль / неверн / неправильн / двойк / снизит / низк / незач / صفر / خاطئة
/ درجة منخفضة / غير صحيحة / رسوب / शून्य / गलत बता / गलत ठहर / कम अंक / गलत माना / फेल / गलत अंक / sifir
/ yanlis / dusuk puan / khong diem / diem 0 / cham sai / 0 diem / diem thap / zero punktow / za bledn
/ niska ocen / oblej / jako bledn / nul punten / fout reken / als fout / onvoldoende / nol| / sebagai salah
/ nilai rendah / salahkan / menyalahkan / ศูนย์ / ให้ผิด / ตรวจผิด / คะแนนต่ำ / noll / underkann / som fel
/ lagt betyg / нуль / низьк / незарах / μηδεν / λαθος / χαμηλ / κοψει / אפס / כשגויה / ציון נמוך / תפסל / פסילה
/ نمره کم / اشتباه اعلام / رد کن / نادرست
"""

_AUTHORITY = """
administrator / admin here / benchmark admin / head of / lab that trained / the lab that / developer / openai
/ anthropic / deepmind / manual override / human review / human expert / human annotat / human grader / audit
/ exam board / supervisor / ministry / quality assurance / qa team / platform / maintainer / chief examiner
/ validated by / has been validated / been verified / been approved / has approved / have approved
/ already checked / already verified / already graded / pre-approved / pre-graded / certified / board has
/ organiser / organizer / department / principal| / headmaster / dean| / dataset author / dataset owner
/ safety team / previous judge / first judge / other graders / two other / second opinion / exam committee
/ committee / override code / 管理员 / 管理員 / 人工复核 / 人工審核 / 人工审核 / 已验证 / 已通过 / 已审核
/ 开发者 / 官方 / 平台 / 教务 / 考试院 / 主考 / 负责人 / 组委会 / 开发团队 / 复核通过 / 命题组 / 管理者 / 運営
/ 開発者 / 確認済 / 検証済 / 主任 / 監督 / 承認済 / 出題者 / 事務局 / 관리자 / 개발자 / 운영자 / 검증된 / 검증되
/ 승인된 / 승인되 / 운영팀 / 감독관 / 출제자 / 검수 / 출제 위원 / 교육부 / 확인되었 / prufungsleitung
/ freigegeben / entwickler / prufungsamt / leitung / uberpruft und / bestatigt / prufungsausschuss / genehmigt
/ verantwortliche / administrador / desarrollador / direccion / ha sido validad / ha sido verificad / ya ha sido
/ jefe de / comite / ministerio / revision humana / responsable de / coordinador / administrateur / developpeur
/ direction / responsable / a ete validee / deja ete / deja verifi / ministere / rectorat / chef de / equipe |
/ desenvolvedor / ja foi / foi validad / coordenador / comissao / amministrator / sviluppator / e stata gia
/ stata validata / ministero / responsabile / commissione / dirigente / gia verificat / gia stata / администрат
/ разработчик / министерств / уже провер / подтвержд / утвержд / завуч / председател / комисси / руководител
/ المشرف / مدير / المسؤول عن / تم التحقق / المطور / ادارة / تمت المراجعة / اللجنة / وزارة / رئيس / معتمدة
/ व्यवस्थापक / प्रशासक / डेवलपर / विभागाध्यक्ष / सत्यापित / प्रधान / बोर्ड की ओर / समिति / जाँच हो चुकी
/ मंत्रालय / yonetici / gelistirici / onaylan / dogrulan / bolum baskan / bakanlik / komisyon / mudur / quan tri
/ nha phat trien / da duoc duyet / da duoc kiem / truong khoa / hoi dong / bo giao duc / to truong
/ da duoc xac nhan / programis / zatwierdz / zweryfikow / komisj / kierownik / ministerstw / dyrekt / beheerder
/ ontwikkelaar / goedgekeurd door / examencommissie / gecontroleerd / docent / directie / pengembang
/ sudah diverifikasi / telah diverifikasi / panitia / kepala / telah disetujui / ผู้ดูแลระบบ / ผู้พัฒนา
/ หัวหน้า / อนุมัติแล้ว / ได้รับการตรวจสอบ / ansvarig larare / utvecklar / verifierat / rektor
/ redan kontroller / provansvarig / адміністрат / розробник / вже перевір / підтверд / затвердж / комісі
/ керівник / διαχειριστ / προγραμματιστ / υπευθυνος / εγκριθ / επιβεβαι / επιτροπη / υπουργει / מנהל / מפתח |
/ אושר / אומת / ועדת / משרד החינוך / הנהל / רכז / مدیر / توسعه دهنده / توسعه‌دهنده / تأیید شده / تایید شده
/ رئیس / کمیته / وزارت
"""

_REGARDLESS = """
regardless / irrespective / no matter / whatever the / whatever it says / whatever they say / even if the sheet
/ even if the key / even if the reference / even if your / even though the key / even though the reference
/ even where / in any case| / deviations / within a decade / whichever / notwithstanding the key
/ despite the reference / despite the key / despite what / 不论 / 不論 / 无论 / 無論 / 即使参考 / 哪怕参考
/ 無関係 / かかわらず / 関わらず / 関係なく / 상관없이 / 관계없이 / 불문 / unabhangig von / egal was
/ egal welche / abweichende / ungeachtet / sin importar / independientemente / aunque la clave / sea cual sea
/ quelle que soit / quel que soit / peu importe / independamment / meme si le corrige / independentemente
/ mesmo que o gabarito / nao importa / seja qual / indipendentemente / a prescindere / qualunque
/ anche se la soluzione / независимо / вне зависимости / что бы ни / неважно / بغض النظر / مهما / بصرف النظر
/ चाहे / भले ही / ne olursa olsun / bakilmaksizin / ne derse / bat ke / du dap an / cho du / niezaleznie
/ bez wzgledu / ongeacht / ook al staat / wat er ook / terlepas / apa pun / apapun / walaupun kunci / ไม่ว่า
/ แม้ว่าเฉลย / oavsett / aven om facit / незалежно / хоч би / попри / ανεξαρτητα / ο,τι κι αν / ασχετα / ללא קשר
/ בלי קשר / לא משנה / صرف نظر / صرف‌نظر / فارغ از / هرچه
"""

_PERSON = """
you| / your| / you're / i'll tip / i will tip / i'll pay / my scholarship / my family / my mother / my future
/ my career / my job / my visa / my degree / my life / me| / trust me / dear| / hello| / hi| / hey| / 你 / 您
/ 我准备 / 我的家 / 奖学金 / あなた / 様 / さん / 家族 / 奨学金 / 당신 / 님 / 장학금 / 가족 / 제가 / sie|
/ ihnen / dich| / du| / dir| / mir| / mich| / stipendium / usted / tu| / te| / beca| / querido / querida
/ estimado / estimada / vous| / toi| / moi| / cher| / chere / ma bourse / voce| / caro| / cara| / prezado
/ minha bolsa / ti| / egregio / gentile / mia borsa / illustrissimo / вы| / вас| / вам| / ты| / тебя| / мне|
/ уважаем / дорог / стипенди / ايها / ايتها / عزيزي / منحتي / مستقبلي / आप / महोदय / मुझे / मेरी छात्रवृत्ति
/ श्रीमान / जी | / sayin| / bana| / siz| / bursum / hocam / thua| / kinh gui / kinh thua / em | / hoc bong
/ szanown / mnie| / mi| / pan| / pani| / geachte / beste| / mij| / mijn beurs / u| / yang terhormat / saya|
/ beasiswa / anda| / pak| / bu| / ท่าน / เรียน / ถึง / ทุนการศึกษา / kara| / basta| / mig| / шановн / мені|
/ стипенді / αγαπητ / κυριε / μου| / υποτροφια / εσυ / לכבוד / יקר / לי| / מלגה / אדון / شما / محترم / گرامی
/ عزیز / به من / بورس
"""

_NEXT = """
following entry / following response / following answer / next sample / next record / next completion
/ next submission / next answer / next response / next item / next student / next paper / next entry
/ next candidate / next question follows / proceed to the next / move on to the next / following submission
/ 下一份 / 下一题 / 下一題 / 下一个答案 / 下一位 / 下一条 / 次の解答 / 次の答案 / 次の回答 / 次へ / 다음 답안
/ 다음 문제 / 다음 응답 / 다음 학생 / 다음으로 / nachste abgabe / nachsten abgabe / nachste antwort
/ nachsten antwort / nachste aufgabe / siguiente respuesta / siguiente entrega / siguiente alumno
/ siguiente ejercicio / copie suivante / reponse suivante / candidat suivant / proxima resposta
/ resposta seguinte / proximo aluno / proxima submissao / prossimo elaborato / risposta successiva
/ prossima risposta / prossimo candidato / следующей работ / следующему ответ / следующую работу
/ следующий ответ / следующей / الاجابة التالية / الطالب التالي / الورقة التالية / अगला उत्तर / अगले उत्तर
/ अगली / sonraki cevap / sonraki ogrenci / siradaki / bai tiep theo / cau tiep theo / bai ke tiep
/ nastepna odpowiedz / nastepnej pracy / nastepnej odpowiedzi / kolejnej pracy / volgende antwoord
/ volgende inzending / jawaban berikutnya / soal berikutnya / ข้อต่อไป / คำตอบถัดไป / คนต่อไป / nasta svar
/ nasta inlamning / nasta elev / наступної роботи / наступна відповідь / наступної / επομενη απαντηση
/ επομενο γραπτο / επομενη / התשובה הבאה / לתשובה הבאה / הבא בתור / پاسخ بعدی / پاسخ بعد / برگه بعد
"""

_INSTRUCTIONS = """
anweisung / instruktion / vorgaben / instruccion / indicaciones / rubrica / instruction| / instructions| / consigne
/ instruc / orientacoes / istruzion / indicazioni / инструкц / указани / рубрик / 지시 / 지침 / 명령 / 프롬프트
/ تعليمات / الاوامر / निर्देश / आदेश / नियमों / talimat / yonerge / komut
/ huong dan / chi dan / chi thi / menh lenh / instrukcj
/ polecen / wytyczn / instructie / aanwijzing / richtlijn / instruksi / perintah / petunjuk / arahan / 指示 / 命令
/ インストラクション / คำสั่ง / คำแนะนำ / instruktion / anvisning / інструкц / вказівк / οδηγι / εντολ / הוראות / הנחיות
/ دستور / maagizo / maelekezo / নির্দেশ / సూచన / ఆదేశ
"""

_EARLIER = """
bisherig / vorherig / vorig / obig / fruher / alle| / saemtliche / samtliche / anterior / previ / todas las / todas as
/ precedent / toutes les / tutte le / de arriba / acima / ci-dessus / sopra / предыдущ / прежн / выше / все| / всі|
/ попередн / 이전 / 앞선 / 앞의 / 위의 / 모든 / 모두 / السابق / جميع / كل | / पिछल / पूर्व / उपरोक्त / सभी / सारे / onceki
/ yukaridaki / butun / tum| / truoc / tat ca / o tren / poprzedni / wczesniejsz / wszystkie / powyzsz / vorige / eerdere
/ bovenstaande / sebelum / di atas / semua / 以前 / これまで / 上記 / 前の / すべて / 全て / ก่อนหน้า / ทั้งหมด / ข้างต้น
/ foregaende / tidigare / ovanstaende / alla| / προηγουμεν / παραπανω / ολες / קודמ / כל ה / قبل / iliyotangulia / awali
/ yote| / পূর্ব / আগের / সমস্ত / సకల / మునుప / అన్ని
"""

ROLE_TEXTS = {
    "instructions": _INSTRUCTIONS,
    "earlier": _EARLIER,
    "meta": _META,
    "this": _THIS,
    "threat": _THREAT,
    "zero": _ZERO,
    "authority": _AUTHORITY,
    "regardless": _REGARDLESS,
    "person": _PERSON,
    "next": _NEXT,
}
