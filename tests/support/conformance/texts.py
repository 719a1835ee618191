"""The sixteen texts that every model is asked."""

from __future__ import annotations

from support.tiny_models import SAMPLE

TEXTS: dict[str, str] = {
    "empty": "",
    "blanks only": "   \u3000 ",
    "emoji": "I 😀 love New York 👍🏽 says Barack Obama 👨\u200d👩\u200d👧 in Zürich 🇩🇪",
    "combining marks": "Ame\u0301lie met Zoe\u0308 in Mu\u0308nchen and Angela Merkel in Zu\u0308rich",
    "right to left": "שלום עולם Angela Merkel مرحبا بالعالم in New York",
    "no blanks": SAMPLE[3],
    "line breaks and tabs": "Angela Merkel\r\n\tmet\tBarack Obama\r\n\r\nin New York\tCity\n",
    "very long word": "Angela Merkel met " + "Donaudampfschiff" * 12 + " in New York",
    "more than a window": " ".join([SAMPLE[0], SAMPLE[5]] * 8),
    "unknown characters": "ꙮ 𝕬ngela 𐍈 met ⵣ Barack Obama ჯ in New York ꙮ",
    "control characters": "Angela\x07Merkel \x1b[1mmet\x7f Barack Obama\x01 in New York \x02 City",
    "zero-width joiner": "Angela\u200dMerkel met Ba\u200brack \ufeffObama in New\u2060York",
    "no-break spaces": "10\u00a0km from New\u00a0York\u00a0City, says Angela\u202fMerkel to Barack Obama",
    "dotted and dotless i": "İstanbul and Iğdır, İİ ıI in NEW YORK; angela MERKEL met barack OBAMA",
    "numbers and currency": "Contoso-Corp sold 10km for $3.50, €1,200.00 or ½ of £9 on the 10th of May 2016",
    "a sentence": SAMPLE[0],
}
