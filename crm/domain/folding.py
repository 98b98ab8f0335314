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
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def control_characters(text: str) -> bool:
    """Tell whether `text` has a control character or a lone surrogate, which no key and no header may hold.

    >>> control_characters("a\\x00b"), control_characters("a b")
    (True, False)
    """
    return any(unicodedata.category(c) in {"Cc", "Cs"} for c in text)
