"""How long something takes, in words."""


def in_words(seconds: float) -> str:
    """Return a length of time in one rough number.

    >>> in_words(0.4), in_words(70), in_words(240), in_words(9000)
    ('about a second', 'about a minute', 'about 4 minutes', 'about 2.5 hours')
    """
    if seconds < 55:
        whole = max(1, round(seconds))
        return "about a second" if whole == 1 else f"about {whole} seconds"
    if seconds < 55 * 60:
        minutes = max(1, round(seconds / 60))
        return "about a minute" if minutes == 1 else f"about {minutes} minutes"
    hours = f"{seconds / 3600:.1f}".removesuffix(".0")
    return "about an hour" if hours == "1" else f"about {hours} hours"
