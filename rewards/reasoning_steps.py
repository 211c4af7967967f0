"""Does the completion reason in steps?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import PositiveInt

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.plugins.unseen import shown
from veritune.rewards.judge.disguise import folded, plain_text
from veritune.rewards.text import first_message

_NUMERAL = r"\d{1,4}|[一二三四五六七八九十]{1,3}"
_SPELLED = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eins|zwei|drei|vier|fünf|un|deux|trois|quatre|cinq|uno|dos|tres|"
    "cuatro|cinco|один|два|три|четыре|пять|الأولى|الثانية|الثالثة|الرابعة|الخامسة|[IVX]{1,4}"
)
_STEP = (
    "step|schritt|étape|etape|paso|passo|etapa|pas|шаг|крок|hatua[ ]ya|hatua|bước|adım|krok|stap|steg|trin|langkah|"
    "lépés|βήμα|الخطوة|خطوة|المرحلة|مرحله|گام|स्टेप|चरण|ধাপ|దశ|படி|단계|ขั้นตอนที่|ขั้นที่|第|ステップ|手順|步骤|步驟|"
    "שלב|مرحلہ|قدم|case|fall|cas|caso|случай|kesi|情况|情形|情況|場合|경우|الحالة|स्थिति|"
    "part|stage|phase|claim|lemma|observation|teil|partie|parte|часть|этап|阶段|階段|部分|مرحلة"
)
_ORDERED = "step|schritt|étape|paso|passo|шаг|крок|stap|krok|adım|steg"
"""Behind a word that counts: ``First step:``, ``Первый шаг:``."""
_ENGLISH = (
    r"first(?:ly)?|second(?:ly)?|third(?:ly)?|next|then|finally|lastly|to[ ](?:begin|start)[ ]with|after[ ]that|"
    r"afterwards|in[ ]the[ ]end"
)
_WORDS = """
zuerst / zunächst / erstens / zweitens / drittens / viertens / deuxièmement / troisièmement
/ quatrièmement / en primer lugar
/ en segundo lugar / en tercer lugar / primeramente / em primeiro lugar / em segundo lugar / em terceiro lugar
/ in primo luogo / in secondo luogo / in terzo luogo / ten eerste / ten tweede / ten derde / po pierwsze / po drugie
/ po trzecie / birincisi / ikincisi / üçüncüsü / 其一 / 其二 / 其三 / 再次 / 第一に / 第二に / 第三に
/ תחילה / לאחר מכן / לבסוף
/ zuerst / zunächst / dann / danach / anschließend / schließlich / zuletzt / d'abord / premièrement / ensuite / puis
/ enfin / primero / luego / después / finalmente / por último / primeiro / depois / em seguida / por fim / prima
/ innanzitutto / poi / dopo / infine / eerst / vervolgens / daarna / ten slotte / najpierw / następnie / potem
/ na koniec / önce / ilk olarak / sonra / ardından / son olarak / đầu tiên / trước tiên / tiếp theo / sau đó
/ cuối cùng / pertama / kemudian / lalu / selanjutnya / terakhir / kwanza / kisha / halafu / mwisho / hatimaye
/ сначала / затем / потом / далее / наконец / во-первых / во-вторых / в-третьих / спочатку / потім / далі / нарешті
/ أولاً / أولا / أوّلاً / ثانياً / ثانيا / ثالثاً / ثالثا / ثم / بعد ذلك / أخيرًا / أخيراً / أخيرا / في النهاية
/ ابتدا / نخست / سپس / بعد از آن / در نهایت / در پایان / सबसे पहले / पहले / फिर / इसके बाद / उसके बाद / अंत में
/ अन्त में / प्रथम / প্রথমে / তারপর / তারপরে / এরপর / শেষে / সবশেষে / మొదట / ముందుగా / తర్వాత / తరువాత / ఆపై
/ చివరగా / చివరికి / 먼저 / 우선 / 그다음 / 그 다음 / 다음으로 / 그리고 나서 / 마지막으로 / 끝으로 / 첫째 / 둘째 / 셋째
"""
_OTHERS = "|".join(
    re.escape(w).replace(r"\ ", "[ ]")
    for w in sorted(_WORDS.replace("\n", " ").strip(" /").split(" / "), key=len)[::-1]
)
_MARKER = re.compile(
    rf"""(?:
        ^[ \t]{{0,8}}(?:>[ ]?){{0,3}}(?:\|[ ]?)?(?:[*_\#]{{1,4}}[ ]?)?(?:
            (?P<step>{_STEP})[ ]?(?P<number>{_NUMERAL}|(?:{_SPELLED})\b)
              [ ]?(?:步|に|[:.：)、，,।]|[-–—](?=[ ])|[ ]?\||[*_]{{0,4}}[ \t]*(?=\n))
          | (?P<ordinal>[^\W\d_]{{2,20}})[ ](?:{_ORDERED})[ ]?[:：]
          | (?P<before>{_NUMERAL})[ ]?단계[ ]?[:.：)]
          | \((?P<round>\d{{1,3}}|[^\W\d_]|[ivx]{{1,4}})\)(?=\s)
          | \[(?P<square>\d{{1,3}})\](?=[ ])
          | (?P<keycap>[0-9])\ufe0f?\u20e3
          | （(?P<wide>\d{{1,3}}|[一二三四五六七八九十]{{1,3}})）
          | (?P<list>\d{{1,4}})(?:[.)、．](?!\d)|[ ][-–—](?=[ ][^\W\d_]{{2}})|:(?=[ ]))
          | (?P<letter>[^\W\d_])\)(?=[ ])
          | (?P<roman>i{{1,3}}|iv|vi{{0,3}}|ix|x)[.)](?=[ ])
          | (?P<han>[一二三四五六七八九十]{{1,3}})[、．.]
          | (?P<bullet>[-*•+]|\\item(?:\[[^\[\]\n]{{0,40}}\])?|(?:<[ou]l[^<>]{{0,80}}>)?<li[^<>]{{0,80}}>)(?:[ ]|(?<=>))
        )
      | (?:^[ \t]{{0,8}}|(?<=[.!?:;。！？：；，、][ ])|(?<=[。！？：；，、]))(?P<circled>[①-⑳❶-❿⑴-⒇㈠-㈩㊀-㊉])
      | (?:^[ \t]{{0,8}}|(?<=[.!?:;][ ])|(?<=[。！？：；，]))
        (?P<word>(?:{_ENGLISH})(?=[,:， ])|首先|其次|然后|接着|接下来|最后|まず|最初に|次に|最後に|そして(?=[、,]))
      | (?:^[ \t]{{0,8}}|(?<=[.!?:;,،।؟؛][ ])|(?<=[。！？：；，]))(?P<other>(?:{_OTHERS})(?=[,،:， ]))
      | (?:^|(?<=\s))(?P<thai>ก่อนอื่น|อันดับแรก|จากนั้น|ต่อไป|ถัดไป|สุดท้าย)
    )""",
    re.MULTILINE | re.IGNORECASE | re.VERBOSE,
)
_SAYS = re.compile(r"[^\W\d_]{2}|[\u0900-\u109f\u1780-\u17ff]|[^\x00-\u2e7f]|\d\s*[-+*/×÷·=<>^]\s*\d")
"""What makes a step of a line: a word, or a calculation; a number alone is none."""
_MARKER_WORDS = re.compile(
    r"step|first(?:ly)?|second(?:ly)?|third(?:ly)?|next|then|finally|lastly|首先|其次|然后|接着|接下来|最后", re.I
)
_SAID = re.compile(r"(?:[^\W_]|[\u0900-\u109f\u1780-\u17ff])+")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_DOUBLED = re.compile(r"([^\W\d_])\1+")
_COMPARED = 64
"""Steps that a new one is compared with letter by letter."""
_SHORT = 20
"""Words of a step that is compared so: a longer one is no filler."""
_LABELS = (
    "number",
    "ordinal",
    "before",
    "round",
    "square",
    "keycap",
    "wide",
    "circled",
    "list",
    "letter",
    "roman",
    "han",
    "word",
    "other",
    "thai",
)
_PEER = re.compile(r"(Step \d+:|^\d+\.|\n-|\n\*|First,|Second,|Next,|Finally,)")


@reward
def reasoning_steps(completion: str, *, enough: PositiveInt = 3) -> Score:
    """min(1, steps / ``enough``), where a step is a marker followed by words of its own.

    Markers: at the start of a line ``Step 2:`` (``Step two -``, ``第二步``, ``Шаг 2:``, ``Étape 2 :`` …), ``2.``,
    ``2)``, ``(2)``, ``b)``, ``II.``, ``②``, ``二、``, ``Case 2:``, a bullet; at the start of a line or sentence
    ``First``, ``Second``, ``Next``, ``Then``, ``Finally`` (``首先``, ``まず、``, ``zuerst``, ``ensuite``, ``luego``,
    ``затем``, ``ثم`` … in some twenty languages). A label counts once, and so does a text: a marker without words or a
    calculation, a repeated marker and a repeated step earn nothing, nor does one with a letter put into a word, or in
    letters that look the same.

    Source: open-r1 ``reasoning_steps_reward``, without its defects.
    """
    labels: set[str] = set()
    bodies: set[str] = set()
    compared: list[list[str]] = []
    steps = 0
    for label, body in _steps(_COMMENT.sub(" ", completion)):
        words = body.split()
        if body and body not in bodies and label not in labels and not any(_like(words, each) for each in compared):
            steps += 1
            if len(compared) < _COMPARED and len(words) <= _SHORT:
                compared.append(words)
        bodies.add(body)
        if label:
            labels.add(label)
    return Score(min(1.0, steps / enough), f"{steps} different steps, {enough} are enough")


@reasoning_steps.compat("open-r1")
def _open_r1(sample: Sample) -> Score:
    """open-r1 ``reasoning_steps_reward``: every marker counts, ``1.`` only at the very start of the text."""
    count = len(_PEER.findall(first_message(sample)))
    return Score(min(1.0, count / 3), f"the peer counts {count} markers")


def _steps(text: str) -> Iterator[tuple[str, str]]:
    """Label (empty for a bullet) and normalised text of every marked step."""
    markers = list(_MARKER.finditer(text))
    ends = [*(marker.start() for marker in markers[1:]), len(text)]
    for marker, end in zip(markers, ends, strict=False):  # no marker: no step
        body = _MARKER_WORDS.sub(" ", text[marker.end() : end])
        words = _SAID.findall(folded(plain_text(shown(body))).casefold())
        label = next((marker[name] for name in _LABELS if marker[name]), "").casefold()
        yield label, " ".join(words) if _SAYS.search(text, marker.end(), end) else ""


def _like(one: list[str], other: list[str]) -> bool:
    """Whether two steps say the same but for letters put into words."""
    return len(one) == len(other) and all(a == b or _stretched(a, b) for a, b in zip(one, other, strict=True))


def _stretched(one: str, other: str) -> bool:
    """Whether one word is the other with letters doubled or one put in; numbers and names of variables never are."""
    if not (one.isalpha() and other.isalpha()) or min(len(one), len(other)) < 3:
        return False
    if _DOUBLED.sub(r"\1", one) == _DOUBLED.sub(r"\1", other):
        return True
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) != 1:
        return False
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    return one[same:] == other[same + 1 :]


reasoning_steps.for_rows("enough")
