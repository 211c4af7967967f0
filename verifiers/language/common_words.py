"""The commonest words of some languages in Latin letters: in two or three words they say more than their letters do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

_WORDS = {
    "en": """the of and to in is it that for was on are as with his they at be this have from or had by not but what
        all were we when your can said there each which she do how their if will up other about out many then them
        these so some her would make like him into time has look two more write go see no way could people my than
        first been who its now find down did get made may part over new take only little work know place after give
        most very just name where through much before too any same because does another well such here must even
        also let let's need needs gives both while should add sum times per total number answer left how's don't
        doesn't isn't wait okay check again since thus hence case off why every three four five six seven eight nine
        ten half twice buys sells costs spends day days week hour hours year years you i a an he us me spend own
        want wants makes says say""",
    "de": """der die das und in zu den mit von für ist im nicht eine ein als auch es an werden aus er hat dass sie
        nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr
        durch man sein wurde sei hatte kann gegen vom können schon wenn habe seine ihre dann unter wir soll ich
        eines jahr zwei diese dieser wieder keine uhr seiner worden will zwischen immer was sagte gibt alle diesem
        wo pro viele viel insgesamt jede jeder jedes jeden ihr ihm ihn ihrer ihren seinen seinem weil damit also
        daher somit erste ersten zweite drei vier fünf sechs sieben acht neun zehn hälfte tag tage tagen woche
        stunde stunden jahre mal kostet kauft braucht übrig anzahl antwort addieren müssen müsste uns euch dir mir
        mich dich du ja nein doch nun jetzt hier dort beide jeweils welche welcher wofür denn möchte sagt macht geht""",
    "fr": """le la les de des du et en un une est que qui dans pour pas sur au aux ce cette ces il elle ils elles on
        nous vous je tu se son sa ses leur leurs mais ou où par avec plus ne a ont avait être fait faire comme tout
        tous toute toutes deux si même aussi bien sans peut entre après avant encore autre autres quand combien
        chaque chacun chacune d'un d'une l'un qu'il qu'elle c'est n'est n'a s'il y donc alors puis ensuite enfin car
        parce sont était étaient été quel quelle quels quelles trois quatre cinq six sept huit neuf dix moitié jour
        jours semaine semaines heure heures année années fois coûte achète dépense total reste réponse nombre moins
        très peu beaucoup premier première mes mon ma notre votre nos vos rien non oui ici là lui moi toi cela veut
        doit faut dit ça dont sous vers chez""",
    "es": """el la los las de del y en un una es que por para con no se su sus al lo como más pero le ha me si sin
        sobre este esta entre cuando muy ya todo todos toda todas ser son dos también fue había era hay años hasta
        desde está mi porque qué sólo solo han yo vez puede así cada uno unos unas ella ellos ellas nos ni e o u
        otro otra otros otras tiene tienen cuánto cuánta cuántos cuántas cuál cuáles tres cuatro cinco seis siete
        ocho nueve diez mitad día días semana semanas hora horas año veces cuesta compra gasta total queda quedan
        respuesta número menos primero primera luego después entonces ahora donde dónde quién cómo eso esto ese esa
        esos esas te tu tus mismo misma durante vende vendió compró sumamos tenemos mucho mucha muchos muchas poco
        sí aquí allí hizo hace hacer quiere dice""",
    "sw": """na ya wa kwa ni katika za la cha vya yake wake hii huo hiyo kama kila zaidi watu alikuwa ana anaweza
        ambayo ambao ambaye lakini baada kabla moja mbili tatu nne tano sita saba nane tisa kumi nusu mara siku wiki
        saa mwaka miaka ngapi gani jumla idadi jibu wana kuna yeye wao sisi mimi wewe hilo hizo huyu hawa hapa pale
        sana tu pia bado kwanza kisha halafu ili au bila kutoka hadi mpaka juu chini ndani nje kwenye yote wote zote
        kiasi gharama anauza ananunua anatumia alinunua aliuza zilizobaki waliobaki kuwa kufanya kupata hivyo basi
        sawa si hana hakuna iwapo ikiwa je vile lake zake vyake langu yangu wangu kulingana kati tena ndiyo hapana
        bei mtu vitu kitu alisema""",
    "it": """il lo la i gli le di e in un una che è per non con si da del della dei delle degli al alla ai alle nel
        nella nei nelle sul sulla come più ma anche o se ha hanno sono era erano essere suo sua suoi sue loro questo
        questa questi queste quello quella ogni quanto quanti quanta quante quale dove quando chi cosa tutto tutti
        due tre quattro cinque sei sette otto nove dieci metà giorno giorni settimana ora ore anno anni volte costa
        compra totale resta restano risposta numero meno primo prima poi quindi allora dopo ancora solo già molto
        poco ci mi ti ne noi voi lui lei perché tra fra senza abbiamo sommiamo""",
    "pt": """o a os as de do da dos das e em um uma que é para por com não se no na nos nas ao à mais mas como foi
        ele ela eles elas seu sua seus suas ou quando muito há já está eu também só pelo pela até isso entre era
        depois sem mesmo aos ter quem me esse essa esses essas este esta cada quanto quantos quantas qual quais onde
        tem têm dois duas três quatro cinco seis sete oito nove dez metade dia dias semana hora horas ano anos vezes
        custa compra total resta resposta número menos primeiro então agora aqui nós você vocês são foram ser temos
        somamos""",
    "nl": """de het een en van in is dat op te zijn voor met die niet aan er om ook als dan maar bij uit door naar
        heeft ze hij zij we wij ik je jij hun haar was waren werd wordt worden kan kunnen zal zou meer over nog wel
        geen tot of hoe hoeveel welke wat waar wie elke elk ieder twee drie vier vijf zes zeven acht negen tien
        helft dag dagen week uur jaar keer kost koopt totaal blijft blijven antwoord aantal minder eerste eerst
        daarna dus toen deze dit onder tussen zonder na alle veel weinig mijn jouw onze""",
    "pl": """i w z na do się nie to jest że o a po od za co jak tak ale lub czy ma mają był była było były być jego
        jej ich ten ta te tego tej tym każdy każda każde ile ilu gdy kiedy gdzie kto dla przez przed pod nad między
        oraz więc wtedy potem teraz tylko już jeszcze bardzo dwa dwie trzy cztery pięć sześć siedem osiem dziewięć
        dziesięć połowa dzień dni tydzień godzin godziny rok lat razy kosztuje kupuje razem zostało odpowiedź liczba
        mniej więcej""",
    "tr": """ve bir bu da de için ile o ne kadar çok daha var yok olan olarak gibi en ama sonra her kaç tane eğer ise
        mi mı mu mü ki ben sen biz siz onlar onun bunun şu iki üç dört beş altı yedi sekiz dokuz on yarısı gün hafta
        saat yıl kez kere toplam kalan cevap sayı az ilk önce şimdi burada orada değil olur oldu eder yapar vardır
        tüm bütün başka aynı göre kendi""",
    "id": """yang dan di ke dari untuk dengan pada ini itu adalah dalam tidak akan oleh ada juga atau sebagai karena
        mereka dia ia kami kita saya anda setiap berapa jika maka telah sudah lebih bisa dapat satu dua tiga empat
        lima enam tujuh delapan sembilan sepuluh setengah hari minggu jam tahun kali harga membeli total sisa
        jawaban jumlah kurang pertama kemudian lalu sekarang semua banyak hanya seorang sebuah""",
    "vi": """và là của có trong cho được với một các những không người đã để này khi từ đến cũng như về ra ở nếu thì
        mà bao nhiêu mỗi hai ba bốn năm sáu bảy tám chín mười nửa ngày tuần giờ lần giá mua tổng còn lại đáp án số
        hơn ít đầu tiên sau đó bây tất cả anh ấy cô họ chúng ta tôi bạn nên vì nhưng hoặc""",
}
_SETS = {code: frozenset(listed.split()) for code, listed in _WORDS.items()}


def common_words() -> Mapping[str, frozenset[str]]:
    """The lists by language."""
    return _SETS


@cache
def listed(languages: tuple[str, ...]) -> Sequence[frozenset[str]]:
    """The words of each language; empty where one of them has no list, because it would only lose by the others'."""
    return [_SETS[code] for code in languages] if all(code in _SETS for code in languages) else ()
