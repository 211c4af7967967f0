"""A language that is no candidate earns nothing for the candidate that is nearest to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from veritune import get_reward

OUTSIDE = {
    "it": (
        "es fr en",
        "Prima di tutto osserviamo che la somma dei due angoli è di centottanta gradi, quindi l'ang"
        "olo rimanente deve essere sessanta gradi, e abbiamo finito il problema.",
    ),
    "pt": (
        "es fr",
        "Primeiro observamos que a soma dos dois ângulos é de cento e oitenta graus, então o ângulo"
        " restante deve ser de sessenta graus, e com isso terminamos o problema.",
    ),
    "nl": (
        "de en",
        "Eerst zien we dat de som van de twee hoeken honderdtachtig graden is, dus de overige hoek "
        "moet zestig graden zijn, en daarmee is de opgave klaar.",
    ),
    "pl": (
        "de en",
        "Najpierw zauważmy, że suma dwóch kątów wynosi sto osiemdziesiąt stopni, więc pozostały kąt"
        " musi mieć sześćdziesiąt stopni, i to kończy zadanie.",
    ),
    "tr": (
        "en de",
        "Önce iki açının toplamının yüz seksen derece olduğunu görüyoruz, bu yüzden kalan açı altmı"
        "ş derece olmalıdır ve böylece soru bitmiş olur.",
    ),
    "vi": (
        "en fr",
        "Trước hết ta thấy tổng của hai góc là một trăm tám mươi độ, vì vậy góc còn lại phải là sáu"
        " mươi độ, và bài toán đã xong.",
    ),
    "id": (
        "sw en",
        "Pertama kita lihat bahwa jumlah kedua sudut adalah seratus delapan puluh derajat, jadi sud"
        "ut yang tersisa haruslah enam puluh derajat, dan soal ini selesai.",
    ),
    "ro": (
        "fr es",
        "Mai întâi observăm că suma celor două unghiuri este de o sută optzeci de grade, deci unghi"
        "ul rămas trebuie să fie de șaizeci de grade, și am terminat problema.",
    ),
    "sv": (
        "de en",
        "Först ser vi att summan av de två vinklarna är hundraåttio grader, så den återstående vink"
        "eln måste vara sextio grader, och därmed är uppgiften klar.",
    ),
    "da": (
        "de en",
        "Først ser vi, at summen af de to vinkler er hundrede og firs grader, så den resterende vin"
        "kel må være tres grader, og dermed er opgaven løst.",
    ),
    "no": (
        "de en",
        "Først ser vi at summen av de to vinklene er hundre og åtti grader, så den gjenværende vink"
        "elen må være seksti grader, og dermed er oppgaven løst.",
    ),
    "fi": (
        "sw en",
        "Ensin huomaamme, että kahden kulman summa on satakahdeksankymmentä astetta, joten jäljelle"
        " jäävän kulman täytyy olla kuusikymmentä astetta.",
    ),
    "hu": (
        "en de",
        "Először is vegyük észre, hogy a két szög összege száznyolcvan fok, tehát a maradék szögnek"
        " hatvan foknak kell lennie, és ezzel kész vagyunk.",
    ),
    "cs": (
        "es en",
        "Nejprve si všimneme, že součet obou úhlů je sto osmdesát stupňů, takže zbývající úhel musí"
        " mít šedesát stupňů, a tím je úloha hotová.",
    ),
    "hr": (
        "es en",
        "Najprije primijetimo da je zbroj dvaju kutova sto osamdeset stupnjeva, pa preostali kut mo"
        "ra biti šezdeset stupnjeva, i time je zadatak gotov.",
    ),
    "ca": (
        "es fr",
        "Primer observem que la suma dels dos angles és de cent vuitanta graus, així que l'angle re"
        "stant ha de ser de seixanta graus, i ja hem acabat.",
    ),
    "tl": (
        "sw en",
        "Una, pansinin na ang kabuuan ng dalawang anggulo ay isang daan at walumpung digri, kaya an"
        "g natitirang anggulo ay dapat animnapung digri.",
    ),
    "so": (
        "sw en",
        "Marka hore waxaan aragnaa in wadarta labada xagal ay tahay boqol iyo siddeetan digrii, sid"
        "aas darteed xagasha hartay waa inay noqotaa lixdan.",
    ),
    "la": (
        "fr en",
        "Primum videmus summam duorum angulorum esse centum octoginta graduum, itaque angulus reliq"
        "uus sexaginta graduum esse debet, quod erat demonstrandum.",
    ),
    "uk": (
        "ru",
        "Спочатку зауважимо, що сума двох кутів дорівнює ста вісімдесяти градусам, отже, кут, що за"
        "лишився, дорівнює шістдесяти градусам.",
    ),
    "bg": (
        "ru",
        "Първо забелязваме, че сборът на двата ъгъла е сто и осемдесет градуса, следователно остана"
        "лият ъгъл трябва да е шейсет градуса.",
    ),
    "sr": (
        "ru",
        "Прво примећујемо да је збир два угла сто осамдесет степени, па преостали угао мора бити ше"
        "здесет степени, и тиме је задатак готов.",
    ),
    "kk": (
        "ru",
        "Алдымен екі бұрыштың қосындысы жүз сексен градус екенін байқаймыз, сондықтан қалған бұрыш "
        "алпыс градус болуы керек.",
    ),
    "mn": (
        "ru",
        "Эхлээд хоёр өнцгийн нийлбэр зуун наян градус болохыг харж байна, тиймээс үлдсэн өнцөг жара"
        "н градус байх ёстой.",
    ),
    "ass": ("bn", "প্ৰথমতে লক্ষ্য কৰোঁ যে দুটা কোণৰ যোগফল এশ আশী ডিগ্ৰী, গতিকে বাকী কোণটো ষাঠি ডিগ্ৰী হ'ব লাগিব।"),
}
"""Language → the targets it may be taken for, and a sentence or two."""
PLAIN = {
    "bg": "Трябва да изчислим колко дни са нужни, затова делим разстоянието на средната скорост.",
    "be": "Учора я пайшоў на рынак з сястрой, і мы купілі тры кілаграмы яблыкаў, дзве дыні і крыху сыру.",
    "fa": "دیروز با خواهرم به بازار رفتم و سه کیلو سیب، دو خربزه و کمی پنیر خریدیم، پس باید بشماریم.",
    "ur": "کل میں اپنی بہن کے ساتھ بازار گیا اور ہم نے تین کلو سیب، دو خربوزے اور تھوڑا پنیر خریدا۔",
}
NEAR = {"bg": "ru", "be": "ru", "fa": "ar", "ur": "ar"}
OWN = {
    "ru": "Одна пара штанов стоит 22,50 $, а одна пара обуви стоит 42 $. Сколько стоит всё вместе?",
    "ar": "ذهبت أمس إلى السوق مع أختي واشترينا ثلاثة كيلوغرامات من التفاح وبطيختين وقليلا من الجبن.",
    "en": "Euler totient; Cauchy Schwarz; AM GM; Vieta; Lagrange multipliers; Chinese remainder theorem; pigeonhole.",
    "de": "Nullstellen bestimmen, Ableitung bilden, Vorzeichenwechsel prüfen, Stellen einsetzen, Ergebnis angeben.",
}
ENGLISH = (
    "We first note that the sum of the two angles is one hundred and eighty degrees, so the remaining angle must be "
    "sixty."
)
CASES = [(code, target) for code, (targets, _) in OUTSIDE.items() for target in targets.split()]


@pytest.mark.parametrize(("code", "target"), CASES)
def test_a_language_that_is_no_candidate_earns_nothing(code: str, target: str) -> None:
    value = get_reward("language", target=target).score(OUTSIDE[code][1]).value
    assert value is None or value <= 0.16


def test_neighbours_with_the_same_letters_are_told_apart() -> None:
    for code, target in NEAR.items():
        value = get_reward("language", target=target, languages=["ar", "en", "ru"]).score(PLAIN[code]).value
        assert value is None or value < 0.1, code
    for code, text in OWN.items():
        assert (get_reward("language", target=code, languages=["ar", "de", "en", "ru"]).score(text).value or 0) > 0.75


@pytest.mark.parametrize("code", ["it", "nl", "pl", "tr", "vi", "id", "sv"])
def test_half_of_it_costs_a_half(code: str) -> None:
    text = OUTSIDE[code][1]
    wanted = sum(map(str.isalpha, ENGLISH)) / sum(map(str.isalpha, ENGLISH + text))
    for both in (f"{ENGLISH} {text}", f"{text}\n\n{ENGLISH}"):
        value = get_reward("language", target="en").score(both).value
        assert value == pytest.approx(wanted, abs=0.08)


@pytest.mark.parametrize("backend", ["langdetect", "py3langid"])
def test_it_is_the_target_where_it_is_asked_for(backend: str) -> None:
    for code in ("it", "pl", "tr", "nl", "uk", "pt", "sv"):
        if backend == "py3langid":
            pytest.importorskip("py3langid")
        reward = get_reward("language", target=code, backend=backend)
        assert (reward.score(OUTSIDE[code][1]).value or 0) > 0.9, code


def test_real_text_of_each_language_keeps_its_share(shared_rows: Callable[[str], list[dict[str, Any]]]) -> None:
    texts: dict[str, list[str]] = defaultdict(list)
    for row in shared_rows("multilingual/mgsm.jsonl"):
        texts[row["lang"]].append(row["problem"])
    for code in ("en", "de", "fr", "es", "sw", "ru", "bn"):
        values = [get_reward("language", target=code).score(text).value for text in texts[code][:60]]
        known = [value for value in values if value is not None]
        assert len(known) > 55
        assert sum(known) / len(known) > 0.985, code


def test_real_text_of_a_language_taken_from_the_candidates_earns_little(
    shared_rows: Callable[[str], list[dict[str, Any]]],
) -> None:
    latin = ("de", "en", "es", "fr", "sw")
    rows = [row for row in shared_rows("multilingual/mgsm.jsonl") if row["lang"] in latin]
    for code in latin:
        left = [other for other in latin if other != code]
        mine = [row["problem"] for row in rows if row["lang"] == code][:12]
        for target in left:
            values = [get_reward("language", target=target, languages=left).score(text).value or 0 for text in mine]
            assert sum(values) / len(values) < 0.12, (code, target)


@pytest.mark.parametrize(
    "text",
    [
        r"$\tag{{0}}$",
        r"$$x \underbrace{{y}}_{{{0}}}$$",
        r"$\mathbf{{{0}}}$",
        r"\begin{{align}}x\tag{{{0}}}\end{{align}}",
        "".join(f"&#{ord(c)}" for c in "首先注意到两个角的和是一百八十度" * 6),
        "".join(f"&amp;#{ord(c)};" for c in "首先注意到两个角的和是一百八十度" * 6),
        "".join(f"&amp;amp;#x{ord(c):x};" for c in "首先注意到两个角的和是一百八十度" * 6),
    ],
)
def test_more_places_hide_nothing(text: str) -> None:
    hidden = text.replace("{0}", "首先注意到两个角的和是一百八十度" * 6).replace("{{", "{").replace("}}", "}")
    value = get_reward("language", target="en").score(f"{ENGLISH} {hidden}").value
    assert value is not None
    assert value < 0.55
