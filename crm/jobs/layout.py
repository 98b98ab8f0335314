"""How an e-mail looks: one column that fits any screen, styles inside the elements, colours for light and dark."""

import html

from crm.domain.logo import Picture

FONT = "font-family:-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
STYLES = {
    "p": "margin:0 0 16px",
    "h1": "margin:0 0 16px;font-size:26px;line-height:1.25",
    "h2": "margin:28px 0 12px;font-size:21px;line-height:1.3",
    "h3": "margin:24px 0 8px;font-size:17px;line-height:1.4",
    "h4": "margin:24px 0 8px;font-size:16px",
    "ul": "margin:0 0 16px;padding-left:24px",
    "ol": "margin:0 0 16px;padding-left:24px",
    "li": "margin:0 0 6px",
    "a": "color:#0d5743;text-decoration:underline",
    "blockquote": "margin:0 0 16px;padding:0 0 0 16px;border-left:3px solid #b9c8c2",
    "hr": "margin:24px 0;border:0;border-top:1px solid #d5dedb",
    "img": "max-width:100%;height:auto;border:0",
    "code": "font-family:Menlo,Consolas,monospace;font-size:14px",
    "table": "border-collapse:collapse",
    "th": "padding:6px 12px 6px 0;border-bottom:1px solid #b9c8c2;text-align:left;word-break:normal;overflow-wrap:break-word",
    "td": "padding:6px 12px 6px 0;border-bottom:1px solid #d5dedb;vertical-align:top;word-break:normal;overflow-wrap:break-word",
}
"""Style of each element that Markdown makes; many mail programs know no style sheet."""
PREVIEW_CHARACTERS = 120
"""What mail programs show of a preheader at the most."""
TABLE = '<div style="margin:0 0 16px;overflow-x:auto"><table', "</table></div>"
"""Around a table: what is too wide is moved sideways by itself, and no figure is broken into two."""
PRE = '<pre style="margin:0 0 16px;white-space:pre-wrap">'
BUTTON = (
    "display:inline-block;padding:10px 20px;border-radius:6px;background-color:#0d5743;color:#ffffff;"
    "font-weight:700;text-decoration:none"
)
SIGN = "margin:0 0 16px;font-weight:700;color:#0d5743"
DARK = """
:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (max-width:480px){.card{padding:20px 18px!important}.foot{padding:16px 18px!important}.sheet{padding:0!important}}
@media (prefers-color-scheme:dark){
.sheet{background-color:#14201d!important}.card{background-color:#1c2926!important;color:#e4ece9!important}
.link{color:#7fd1b3!important}.button{background-color:#7fd1b3!important;color:#0b1f19!important}
.organisation{color:#7fd1b3!important}.foot{color:#a9b8b3!important}th,td,hr,blockquote{border-color:#4a5d57!important}
}
"""


def _why(organisation: str, postal_address: str) -> str:
    """Why one gets the letter, and from whom: the postal address may have several lines."""
    lines = [line.strip(" ,") for line in (organisation, *postal_address.splitlines())]
    return f"You get this because your address is with {', '.join(filter(None, lines)) or 'us'}."


def _sign(organisation: str, logo: Picture | None) -> str:
    """What stands above the letter: the logo, with the name for those who see no pictures, or the name alone.

    Its ground is white also where the card is dark: most logos are drawn for paper.
    """
    name = html.escape(organisation)
    if logo is None:
        return f'<p class="organisation" style="{SIGN}">{name}</p>\n' if name else ""
    return (
        f'<p class="organisation" style="{SIGN}"><img src="{html.escape(logo.address)}" width="{logo.width}"'
        f' height="{logo.height}" alt="{name}"'
        ' style="display:block;max-width:100%;height:auto;border:0;background-color:#ffffff"></p>\n'
    )


def page_parts(organisation: str, postal_address: str, logo: Picture | None = None) -> tuple[str, str, str, str, str, str]:
    """Return the fixed HTML around five things: subject, preheader, letter, unsubscribe link, picture that tells of opens."""
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="supported-color-schemes" content="light dark">\n<title>'
    )
    body = (
        f"</title>\n<style>{DARK}</style>\n</head>\n"
        '<body class="sheet" style="margin:0;padding:0;background-color:#f3f5f4">\n'
        '<div style="display:none;max-height:0;overflow:hidden;opacity:0;mso-hide:all">'
    )
    card = (
        '</div>\n<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
        ' style="table-layout:fixed"><tr>\n'
        '<td class="sheet" align="center" style="padding:32px 12px;background-color:#f3f5f4">\n'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
        ' style="max-width:584px;table-layout:fixed"><tr>\n'
        '<td class="card" align="left" style="padding:28px 32px;border-radius:8px;background-color:#ffffff;color:#1c2926;'
        f'{FONT};font-size:16px;line-height:1.6;word-break:break-word">\n' + _sign(organisation, logo)
    )
    foot = (
        '</td></tr><tr>\n<td class="foot" align="left" style="padding:16px 32px;color:#55625e;'
        f'{FONT};font-size:13px;line-height:1.5">\n'
        f'<p style="margin:0 0 8px">{html.escape(_why(organisation, postal_address))}</p>\n'
        '<p style="margin:0"><a class="link" style="color:#0d5743" href="'
    )
    end = '">Unsubscribe</a></p>\n</td></tr></table>\n</td></tr></table>\n'
    return head, body, card, foot, end, "</body>\n</html>\n"


def text_foot(organisation: str, postal_address: str) -> str:
    """Return the end of the plain-text part, to which the unsubscribe link is added."""
    return f"\n-- \n{_why(organisation, postal_address)}\nUnsubscribe: "


def hidden_text(preheader: str) -> str:
    """Return the HTML of what mail programs show beside the subject: the preheader, and enough of nothing to keep the letter's
    first words from following it.
    """
    filling = "&nbsp;&zwnj;" * max(0, PREVIEW_CHARACTERS - len(preheader))
    return f"{html.escape(preheader)}{filling}" if preheader else ""


def picture(address: str) -> str:
    """Return the picture of one point that tells of opens; it stands last, so that it is fetched when all is."""
    return f'<img src="{html.escape(address)}" width="1" height="1" alt="" style="display:block;border:0">\n'
