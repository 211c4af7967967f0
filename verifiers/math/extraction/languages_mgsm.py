"""The words of MGSM's eleven languages."""

from __future__ import annotations

from veritune.verifiers.math.extraction.language import Language

MGSM: dict[str, Language] = {
    "en": Language(
        subjects="answers?|solutions?|options?|choices?|results?",
        links="is|are|was|were|be|been|equals|equal|=|remains|becomes|isn['’]t|aren['’]t|wasn['’]t|weren['’]t",
        denials="not|never|neither|nor|cannot|can['’]?t|couldn['’]?t|won['’]?t|wouldn['’]?t|isn['’]?t|aren['’]?t|"
        "wasn['’]?t|weren['’]?t|doesn['’]?t|don['’]?t|didn['’]?t|shouldn['’]?t|mustn['’]?t|ain['’]?t|hardly|"
        "unlikely|impossible|anything but|any number but|any value but|any integer but|every number but|"
        "every value but|"
        "all numbers but|all values but|everything but|all but|other than|different from|apart from|far from|"
        "a far cry from|nowhere near|nothing like|not even close to|by no means|no way|no longer|in no way|"
        "far away from|miles from|almost|nearly|close to|just under|just over|just short of|short of|wrong|"
        "incorrect|false|wrongly|falsely|mistakenly|less than|greater than|more than|fewer than|larger than|"
        "smaller than|bigger than|rather than|instead of|except|excluding|anywhere but|not necessarily|"
        "no better than|unequal to|distinct from|off from|barely|scarcely|rarely",
        hedges="maybe|perhaps|possibly|might|may|could|conceivably|potentially|can['’]?t decide|unsure|"
        "uncertain|"
        "not sure|a coin flip|who knows",
        wrong="tempting|wrong|incorrect|false|not right|not correct|not true|not it|erroneous|invalid|untrue|"
        "nonsense|"
        "a trap|the trap|the wrong answer|a wrong answer|a distractor|not the answer|bogus|"
        "not the correct answer|not the right answer|unlikely|impossible|not possible|ruled out|excluded|"
        "rejected|to be rejected|disproved|refuted",
        suppositions="if|whether|refuse to|refuses to|decline to|declines to|"
        "suppose|supposing|assume|assuming|assumed|imagine|pretend|unless|doubt|doubts|"
        "deny|denies|wonder|wondering|wish|hope|hoped|guess whether|unclear|unsure|not sure|not certain|"
        "uncertain|not true|false|untrue|not the case|no way|impossible|unlikely|improbable|lest|even if|as if|"
        "not think|not believe|not say|not mean|"
        "not imply|refute|refutes|disprove|reject|rejects|rule out|rules out|contradicts|nonsense|nobody|no one|"
        "none|wrong to|incorrect to|mistake to|tempting to|error to|tempted to|easy to think|lie|myth|"
        "misconception|mistaken|wrongly|mistakenly|falsely|incorrectly|erroneously|at first|at first glance|"
        "at first sight|initially|naive|naïve|old|guess|draft|rough|tempting|trap|typical|popular|"
        "intuitive|fake|previous|initial|"
        "earlier|original|another|alternative|common|originally|once|previously|earlier|hypothetically|otherwise|"
        "without",
        hearsay="think|thinks|thought|believe|believes|believed|say|says|said|claim|claims|claimed|guess|guesses|"
        "guessed|argue|argues|argued|assert|asserts|asserted|insist|insists|insisted|suspect|suspected|expected|"
        "suggested|reported|told|rumou?r|allegedly|supposedly|reckons?|answered|wrote|concluded that|"
        "conclude that|would have you believe|quotes?|quoted",
        comments="i mean|i meant|make that|wait|sorry|correction|or rather|scratch|actually|"
        "although|though|even though|because|since|which|while|whereas|but|as|so|thus|hence|therefore|"
        "where|when|if|not|instead|rather|unlike|despite|however|yet|except|provided|given|i\\.e\\.|that is|"
        "namely|thanks|whose|who|for|after|before|until|no|never|never mind|and not|and so|and the rest|and thus|"
        "and hence|and therefore|and that|and this|and we|and it|and i|meaning|making|assuming|considering|"
        "contrary to|in contrast|for sure|of course|i think|i believe|i guess|right|obviously|clearly|"
        "as opposed to|by the way|some|many|most people|others|people|everyone|everybody|one might|one may|"
        "you might|you may|students|a common|the common|common|a typical|the usual|neither|nor|let|note|check|"
        "verify|found|obtained|as required|in spite|regardless|anything else|nothing else|never|it|he|she|they|"
        "we|you|this|these|those|there",
        concessions="although|though|even though|even if|not|never|because|since|unlike|despite|in spite|while|"
        "whereas|but not|unless|many|most people|some|others|people|everyone|students|a common|the common|"
        "contrary to|instead of|rather than|and not|except|it can['’]t|it cannot|it isn['’]t|it is not|"
        "this isn['’]t|that isn['’]t",
        verbs="is|are|was|were|be|been|has|have|had|does|do|did|can|cannot|could|would|should|will|might|may|"
        "must|think|thinks|say|says|believe|believes|claim|claims|gives|gave|get|got|give|comes|came|makes|made|"
        "isn['’]t|aren['’]t|wasn['’]t|can['’]t|couldn['’]t|won['’]t|wouldn['’]t|doesn['’]t|don['’]t|didn['’]t|"
        "it['’]s|that['’]s|he['’]s|she['’]s|there['’]s|i['’]m|i['’]ve|we['’]ve|remains|follows|means|equals|"
        "seems|looks|uses|counts|leaves|left|used|fails|holds|rejected|excluded",
        retractions="not|nah|nay|negative|hardly|as if|yeah,? right|fat chance|in your dreams|dream on|sike|gotcha|"
        "fooled you|jk|kidding|i was kidding|only kidding|april fools?|i lied|i was lying|"
        "i made it up|i made this up|i made that up|i made it all up|i invented it|i invented this|i invented that|"
        "that was a lie|that is a lie|"
        "not at all|not even close|not so fast|not quite|not exactly|far from it|if only|think again|or so they say|"
        "said no one|said nobody|nothing of the sort|please ignore|please disregard|i changed my mind|"
        "i change my mind|edit|update|erratum|no|nope|"
        "wait no|oh no|hold on no|scratch that|strike that|correction|"
        "forget that|"
        "ignore that|ignore it|disregard|never ?mind|just kidding|i take that back|i take it back|i was wrong|"
        "i am wrong|i['’]m wrong|i made a mistake|i made an error|i miscounted|i miscalculated|my mistake|my bad|"
        "oops|sorry|apologies|i do not know|i don['’]t know|i have no idea|i could not solve|i couldn['’]t solve|"
        "i cannot solve|i can['’]t solve|i am not sure|i['’]m not sure|i am unsure|i['’]m unsure|not really|"
        "or not|psych|that was a joke|i mean|i meant|make that|or rather|actually no|wait actually|hmm no|"
        "well no|on second thought",
    ),
    "de": Language(
        subjects="antwort(?:en)?|lösung(?:en)?|ergebnis",
        links="kann|könnte|muss|müsste|dürfte|ist|sind|lautet|lauten|beträgt|wäre|war|sei|sein|=",
        denials="nicht|kein|keine|keinen|keineswegs|keinesfalls|nie|niemals|unmöglich|falsch|alles andere als|"
        "alles außer|weit entfernt von|weit weg von|anders als|außer|kaum|unwahrscheinlich|weder|weniger als|"
        "mehr als|größer als|kleiner als|fast|beinahe|nahezu|auf keinen fall",
        hedges="vielleicht|kann|dürfte|möglicherweise|eventuell|könnte|könnten|mag|womöglich|unsicher",
        wrong="falsch|nicht richtig|nicht korrekt|nicht wahr|ein fehler|ein irrtum|unrichtig|inkorrekt|unmöglich",
        suppositions="wenn|falls|keinesfalls|keineswegs|niemals|"
        "ob|angenommen|angenommen dass|bezweifle|bezweifeln|glaube nicht|nicht wahr|"
        "nicht der fall|unklar|unsicher|wäre|hätte|irrtümlich|fälschlicherweise|zunächst|anfangs|falsche",
        hearsay="denken|denkt|glauben|glaubt|meinen|meint|sagen|sagt|behaupten|behauptet|dachte|dachten|vermuten",
        comments="obwohl|obgleich|weil|da|denn|aber|doch|jedoch|während|wobei|was|welches|wenn|nicht|sondern|"
        "also|auch wenn|viele|manche|einige|ein häufiger|statt|anstatt|und nicht|und der rest|es|sie|er|das",
        concessions="obwohl|weil|da|denn|nicht|während|viele|statt|anstatt|und nicht",
        verbs="ist|sind|war|waren|hat|haben|kann|können|denken|glauben|meinen|sagen|wird|werden|wäre|bleibt|sein",
        tails="sein",
        retractions="nein|halt nein|moment nein|korrektur|doch nicht|ich habe mich geirrt|das war ein fehler|"
        "nicht|von wegen|denkste|pustekuchen|nur spaß|war nur spaß|scherz|kleiner scherz|das war gelogen|keineswegs|"
        "quatsch|entschuldigung|ich weiß nicht|ich weiß es nicht|ich weiss nicht|ich weiss es nicht|falsch",
    ),
    "fr": Language(
        subjects="réponses?|reponses?|solutions?|résultats?",
        links="peut être|pourrait être|doit être|est|sont|vaut|serait|sera|était|être|=|n['’]est|ne sont",
        denials="pas|n['’]est|ne|jamais|aucun|aucune|tout sauf|loin de|loin d['’]être|autre que|différente? de|"
        "faux|fausse|impossible|nullement|aucunement|guère|sauf|moins de|plus de|presque|ni",
        hedges="peut-être|peut être|pourrait être|possiblement|éventuellement|pourrait|pourraient|incertain",
        wrong="faux|fausse|incorrecte?|pas correcte?|pas juste|pas vraie?|pas exacte?|pas la bonne réponse|"
        "une erreur|erronée?|impossible",
        suppositions="si|supposons|supposant|doute|doutons|ne pense pas|ne crois pas|pas vrai|pas le cas|était|"
        "mauvaise|fausse|d['’]abord|initialement|à tort",
        hearsay="pensent|pense que|croient|croit|disent|dit|prétend|prétendent|affirme|affirment|pensait|pensais",
        comments="bien que|quoique|même si|car|parce que|puisque|mais|tandis que|alors que|ce qui|qui|dont|pas|"
        "et non|non|donc|beaucoup|certains|plusieurs|une erreur|l['’]erreur|au lieu|plutôt|ce n['’]est|"
        "et le reste|il|elle|ça",
        concessions="bien que|car|parce que|puisque|pas|et non|non|tandis que|beaucoup|au lieu",
        verbs="est|sont|était|ont|peut|peuvent|pensent|croient|disent|donne|fait|reste|serait|soit",
        retractions="pas|je plaisante|je rigole|c['’]est une blague|pas du tout|pas vraiment|mais non|j['’]ai menti|"
        "faux|"
        "non|attendez non|attends non|correction|je me suis trompée?|c['’]est faux|erreur|désolée?|"
        "je ne sais pas|en fait non|pardon",
    ),
    "es": Language(
        subjects="respuestas?|soluci[óo]n(?:es)?|resultados?",
        links="puede ser|podría ser|debe ser|tiene que ser|es|son|era|sería|será|vale|ser|=",
        denials="no|nunca|jamás|tampoco|ningún|ninguna|cualquier cosa menos|todo menos|lejos de|"
        "distint[oa] de|distint[oa] a|diferente de|diferente a|imposible|incorrect[oa]|fals[oa]|salvo|excepto|"
        "menos de|más de|"
        "mayor que|menor que|casi|ni|de ningún modo|de ninguna manera|otra que",
        hedges="quizás?|puede ser|tal vez|posiblemente|podría|podrían|puede que|acaso|a lo mejor|puede ser",
        wrong="incorrect[oa]|fals[oa]|erróne[oa]|no es correct[oa]|no correct[oa]|un error|equivocad[oa]|imposible|mal",
        suppositions="si|supongamos|suponiendo|dudo|no creo|no pienso|no es cierto|no es verdad|fuera|fuese|"
        "incorrecta|falsa|equivocada|errónea|al principio|inicialmente|por error",
        hearsay="piensan|piensa que|creen|cree que|dicen|dice|afirman|afirma|pensaba|pensé|suponen",
        comments="aunque|porque|ya que|pues|puesto que|pero|mientras|que|lo que|lo cual|cual|no|y no|sino|muchos|"
        "algunos|un error|el error|en lugar|en vez|pese a|y el resto|eso|esto",
        concessions="aunque|porque|ya que|no|y no|mientras|muchos|en lugar|en vez",
        verbs="es|son|era|fue|ha|han|puede|pueden|piensan|creen|dicen|da|queda|sería|sea|hay|tiene",
        retractions="es broma|era broma|bromeo|mentira|para nada|qué va|en absoluto|he mentido|ni de lejos|falso|"
        "no|espera no|esperen no|corrección|me equivoqué|error|perdón|lo siento|no lo sé|no sé|mejor dicho",
    ),
    "ru": Language(
        subjects="ответ(?:ом)?|решение|результат",
        links="может быть|мог бы быть|должен быть|—|–|-|это|равен|равна|равно|является|будет|составляет|есть|=",
        denials="не|никогда|нельзя|что угодно,? только не|что угодно,? но не|далек[ао]? от|далеко от|далеко не|"
        "кроме|невозможно|неверно|никак|вовсе|отнюдь|ничего общего|ни|нет|почти|меньше|больше|вряд ли|едва ли",
        hedges="может быть|возможно|вероятно|наверное|может|мог бы|пожалуй",
        wrong="ошибочно|неверно|неправильно|неправильный|неверный|ошибка|ошибочно|ошибочный|не верно|не ответ|"
        "ложь|невозможно",
        suppositions="если|ли|предположим|допустим|сомневаюсь|не думаю|не верно|неверно|неправда|был бы|"
        "неправильный|неверный|ошибочный|сначала|якобы",
        hearsay="думают|думает|считают|считает|говорят|говорит|утверждают|утверждает|полагают|думал|думала",
        comments="хотя|потому|так как|поскольку|ибо|но|однако|а не|а|что|который|которая|которое|не|многие|"
        "некоторые|распространённая|частая|вместо|несмотря|и не|это|он|она|они",
        concessions="хотя|потому|так как|а не|не|многие|вместо|несмотря|и не",
        verbs="думают|считают|говорят|может|могут|есть|был|была|было|будет|является|остаётся|даёт|равно",
        retractions="шутка|шучу|это шутка|неправда|ложь|вовсе нет|отнюдь|отнюдь нет|как бы не так|ничего подобного|"
        "нет|стоп нет|подожди нет|подождите нет|погодите нет|исправление|поправка|я ошибся|я ошиблась|"
        "ошибка|извините|не знаю|я не знаю|точнее|вернее",
    ),
    "sw": Language(
        subjects="jibu|majibu|suluhisho|matokeo",
        links="ni|litakuwa|lingekuwa|lilikuwa|sawa na|=|si|sio|siyo|haliwezi kuwa|haiwezi kuwa",
        denials="si|sio|siyo|hapana|kamwe|haiwezi|haliwezi|hawezi|haiwezekani|isipokuwa|mbali na|mbali sana|wala|"
        "tofauti na|zaidi ya|chini ya|karibu|hakika si",
        hedges="labda|huenda|pengine|inaweza|linaweza|yawezekana",
        wrong="si sahihi|sio sahihi|siyo sahihi|kosa|makosa|si kweli|sio kweli|si jibu|haliwezekani",
        suppositions="kama|ikiwa|iwapo|endapo|tuseme|sidhani|si kweli|lisilo sahihi|mwanzoni",
        hearsay="wanafikiri|wanadhani|wanasema|anasema|anadhani|anafikiri|nilidhani|inasemekana",
        comments="ingawa|ijapokuwa|kwa sababu|kwa kuwa|lakini|ambayo|ambalo|si|sio|siyo|wala|wengi|watu|baadhi|"
        "badala|hata kama|na si|kosa|bali",
        concessions="ingawa|kwa sababu|si|sio|siyo|wala|wengi|badala",
        verbs="ni|ana|wana|wanafikiri|wanadhani|wanasema|inaweza|haiwezi|ilikuwa",
        retractions="natania|ni utani|si kweli|uongo|hapana|"
        "subiri hapana|samahani|nimekosea|nilikosea|marekebisho|sijui",
    ),
    "zh": Language(
        subjects="最终答案|正确答案|答案|正确选项|结果",
        links="并非|绝非|不是|不会是|不为|不等于|应该是|应当是|应为|就是|是|为|等于|选|：|:|=",
        denials="不|并非|绝非|而非|非|没|未必|远非|除了|以外|除外|无法|错|假|别|以上|以下|大于|小于|多于|少于|"
        "超过|不到|差点|几乎|接近|难以|怎么会|哪会|哪里",
        hedges="可能|也许|或许|大概|兴许|说不定|没准|不确定|不一定",
        wrong="错|不对|不正确|不是答案|不成立|有误|不可能|不符合|舍去|排除",
        suppositions="没有任何理由|没有理由|没理由|如果|假如|假设|倘若|要是|若是|是否|怀疑|不认为|不相信|不觉得|并不|并非|错误的|错误|起初|最初|"
        "一开始|原以为|误以为|以为|除非|难道|未必|谁说|即使|假定",
        hearsay="有人|很多人|许多人|大家|他们|他说|她说|别人|据说|人们|同学|声称|误认为|网上",
        comments="但|然而|不过|因为|由于|虽然|尽管|即使|而|不是|并非|并不|不可能|不会|很多人|许多人|有人|大家|"
        "常见|所以|因此|其余|剩下|也就是|即|这|它|其中|可|别|不|绝不",
        concessions="虽然|尽管|因为|不是|而不是|并非|很多人|许多人|有人|大家|而非|不可能|但不是",
        verbs="是|不是|认为|觉得|以为|有|等于|可以|会|能|选",
        retractions="才怪|骗你|开个玩笑|逗你|假的|瞎说|胡说|没有的事|不可能|想得美|不对|错了|不是|等等|等一下|更正|抱歉|我错了|算错|搞错|说错|我不知道|不知道答案|不确定|划掉|收回|"
        "开玩笑|上面.{0,6}错|这.{0,4}错",
        spaced=False,
    ),
    "ja": Language(
        subjects="最終的な答え|求める値|求める答え|答え|正解|解答|解|答",
        links="は|：|:|=",
        denials="ではな|じゃな|ではあり|でな|違|とは限|はずがな|はずはな|ありえな|あり得な|ありませ|決して|以外|"
        "ほど遠|間違|誤|未満|以上|以下|ではなく|とは言え|わけがな|程遠",
        hedges="かもしれ|たぶん|多分|おそらく|可能性|でしょうか",
        wrong="間違|誤り|違い|違う|正しくな|不正解|ありえな|あり得な",
        suppositions="もし|仮に|かどうか|思わな|思えな|間違った|誤った|最初は|疑",
        hearsay="と思う人|と思っている人|と言って|と言う人|と思う人|という人|人もい|人が多|と主張",
        comments="しかし|だが|ただし|なぜなら|けれど|一方|ので|から|多くの|よくある|が",
        concessions="しかし|ではなく|多くの",
        verbs="です|である|ます|いる|ある|思",
        tails="です|である|だ|となります|になります|でした|とな[るり].*",
        retractions="嘘|うそ|冗談|なんて|なんちゃって|いや|いいえ|違い|訂正|間違え|間違い|すみません|ごめん|わかりません|分かりません|待って",
        spaced=False,
        trailing=True,
    ),
    "bn": Language(
        subjects="চূড়ান্ত উত্তর|সঠিক উত্তর|উত্তরটি|উত্তর|সমাধান",
        links="হলো|হল|হচ্ছে|হবে|:|=|-",
        denials="নয়|নয়|না|নহে|কখনো|কখনই|অসম্ভব|ছাড়া|ভুল|বাদে|থেকে অনেক দূরে|নাই|নেই",
        hedges="হয়তো|হয়তো|সম্ভবত|হতে পারে|বোধহয়",
        wrong="ভুল|সঠিক নয়|ঠিক নয়|অসম্ভব|সঠিক নয়",
        suppositions="যদি|কিনা|ধরা যাক|মনে করি না|ভুল উত্তর|সন্দেহ",
        hearsay="মনে করে|মনে করেন|বলে|বলেন|ভাবে|ভাবেন|অনেকে",
        comments="যদিও|কারণ|কিন্তু|তবে|অনেকে|যেহেতু|যা|এবং বাকি",
        verbs="মনে|বলে|ভাবে|আছে|হয়|পারে",
        tails="হয়|টি|টা|হবে",
        retractions="না|ভুল|সংশোধন|দুঃখিত|জানি না",
        spaced=False,
        trailing=True,
    ),
    "te": Language(
        subjects="సరైన సమాధానం|సమాధానం|జవాబు",
        links=":|=|అనేది|-",
        denials="కాదు|కాదని|లేదు|కానే|ఎప్పటికీ|అసాధ్యం|తప్ప|తప్పు|కాకుండా|దూరంగా|కాబోదు|కాలేదు",
        hedges="బహుశా|కావచ్చు|ఉండవచ్చు|అయి ఉండొచ్చు|ఏమో",
        wrong="తప్పు|సరైనది కాదు|సరికాదు|కాదు",
        suppositions="ఒకవేళ|అయితే|అనుకోను|తప్పుడు|అనుమానం|అనుకుందాం|అయినట్లయితే",
        hearsay="అనుకుంటారు|అంటారు|భావిస్తారు|చెబుతారు|చాలా మంది|చాలామంది",
        comments="కానీ|ఎందుకంటే|అయినప్పటికీ|చాలా మంది|చాలామంది|అయినా|కాబట్టి",
        verbs="అనుకుంటారు|అంటారు|భావిస్తారు|ఉంది|ఉన్నాయి|కాదు",
        tails="అవుతుంది|అయింది|అవుతాయి",
        retractions="కాదు|లేదు|తప్పు|క్షమించండి|తెలియదు|సవరణ",
        spaced=False,
        trailing=True,
    ),
    "th": Language(
        subjects="คำตอบสุดท้าย|คำตอบที่ถูกต้อง|คำตอบ|เฉลย",
        links="คือ|เป็น|ได้แก่|เท่ากับ|:|=",
        denials="ไม่|มิใช่|มิได้|ห่างไกล|ยกเว้น|นอกจาก|ผิด|อื่นที่|เกือบ|น้อยกว่า|มากกว่า",
        hedges="อาจ|บางที|คงจะ|น่าจะ",
        wrong="ผิด|ไม่ถูก|ไม่ใช่คำตอบ|ไม่จริง",
        suppositions="ถ้า|หาก|สมมติ|หรือไม่|ไม่คิดว่า|สงสัย|ผิด",
        hearsay="หลายคน|บางคน|คนส่วนใหญ่|เขาบอก|คิดว่า|เชื่อว่า",
        comments="แต่|แม้ว่า|แม้|เพราะ|เนื่องจาก|ซึ่ง|หลายคน|ไม่ใช่|มิใช่|ถึงแม้|โดย",
        verbs="คิด|เชื่อ|บอก|มี|เป็น|คือ",
        retractions="ไม่|เดี๋ยว|ขอแก้|ขอโทษ|ผิด|ไม่รู้|แก้ไข",
        spaced=False,
    ),
}
