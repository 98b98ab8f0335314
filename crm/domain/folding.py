"""How text is compared: case, accents and white space do not count."""

import unicodedata


def fold(text: str) -> str:
    """Return `text` as it is compared: NFKD, combining marks removed, casefolded, white space squeezed and trimmed.

    No transliteration: `ø` stays `ø`. Folding may lengthen a value or empty it. Folding twice changes nothing.

    >>> fold("  Ångström   AB ")
    'angstrom ab'
    >>> fold("Straße"), fold("Ødegård"), fold("\\u0301")
    ('strasse', 'ødegard', '')
    """
    return " ".join(_bare(_bare(text).casefold()).casefold().split())


def fold_words(text: str) -> list[str]:
    """Return the words of `text`, each folded. A character that folds to white space or an accent alone is left out of its word.

    >>> fold_words(" Conan  O\u00b4Brien"), fold_words("\u00b4")
    (['conan', 'obrien'], [])
    """
    return [word for typed in text.split() if (word := "".join(fold(typed).split()))]


def _bare(text: str) -> str:
    if text.isascii():  # nothing to decompose, and a large part of what is folded
        return text
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def control_characters(text: str) -> bool:
    """Tell whether `text` has a control character or a lone surrogate, which no key and no header may hold.

    >>> control_characters("a\\x00b"), control_characters("a b")
    (True, False)
    """
    return any(unicodedata.category(c) in {"Cc", "Cs"} for c in text)


def one_line(text: str) -> bool:
    """Tell whether `text` is shown on one line: it has no control character and none that separates lines or paragraphs.

    >>> one_line("a b"), one_line("a\\u2028b"), one_line("a\\nb")
    (True, False, False)
    """
    return not control_characters(text) and not any(unicodedata.category(c) in {"Zl", "Zp"} for c in text)


TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing for what follows them, beyond the text that they stand in."""
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that look like nothing."""


def nothing_visible(text: str) -> bool:
    """Tell whether there is nothing to be seen in `text`: white space, accents, joiners and other marks of format alone.

    >>> nothing_visible("\u200b\u200d \u0301"), nothing_visible("\u0645\u06cc\u200c\u062e")
    (True, False)
    """
    return all(c in _BLANK or unicodedata.category(c) in {"Cf", "Cc", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"} for c in text)


def hidden_characters(text: str) -> bool:
    """Tell whether some character of `text` can't be seen; names may have such (Persian joins letters with them), addresses not.

    >>> hidden_characters("ada\u200b@example.org"), hidden_characters("ada@example.org")
    (True, False)
    """
    return any(c in _BLANK or unicodedata.category(c) == "Cf" for c in text)
