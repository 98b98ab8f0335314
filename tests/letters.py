"""Letters that ask much of whoever makes and shows them."""

from crm.domain.campaigns import Letter, Utm
from crm.domain.mail_settings import Letterhead

LETTERHEAD = Letterhead(
    sender="Föreningen Söderköping <hej@club.example>",
    organisation="Föreningen för långa namn i Söderköping med omnejd",
    postal_address="c/o Kulturhuset\nStora torget 1\n614 30 Söderköping\nSverige",
)
ARABIC: dict[str, str | int] = {
    "firstName": "محمد",
    "lastName": "بن عبد الله الحسيني",
    "email": "mohammed@example.org",
    "company": "شركة المحركات التحليلية",
    "city": "القاهرة",
    "hostedEventCount": 3,
    "attendedEventCount": 41,
}
NOBODY: dict[str, str | int] = {}
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
ORDINARY = """# Summer evening

Hello {{ firstName | default: "friend" }},

you came **{{ attendedEventCount }}** times. {% if company %}Bring somebody of {{ company }}.{% endif %}

[I am coming](https://club.example/come?who={{ email }})

See you there, or [tell us why not](https://club.example/no).
"""
TABLE = "| " + " | ".join(f"Column {number}" for number in range(12)) + " |\n" + "|---" * 12 + "|\n"
TABLE += "\n".join("| " + " | ".join(f"{row * number:,}" for number in range(12)) + " |" for row in range(1, 6))
EVERYTHING = f"""# {LONG[:120]}

## A heading with emoji 🎉👩‍👩‍👧‍👦🇸🇪 and a very long one that goes over several lines on any telephone

{LONG}

Hello {{{{ firstName }}}} {{{{ lastName }}}}! ***Bold and slanted***, ~~gone~~, `code {LONG[:90]}`.

https://club.example/{"a-long-way/" * 30}?x={"1" * 200}

![A wide picture](https://pictures.example/wide.png)

[![A picture that is a link](https://pictures.example/wide.png)](https://club.example/picture)

{TABLE}

> Somebody said this
>
> > and somebody answered: {LONG[:100]}

1. One
2. Two
   - inner
     - innermost {LONG[:60]}
3. {{% if hostedEventCount > 0 %}}You host{{% else %}}You are a guest{{% endif %}}

---

```
def f(x):
    return "{"x" * 150}"
```

{{% if city %}}
### In {{{{ city }}}}

[{"A button with much to say, " * 4}](https://club.example/button?where={{{{ city }}}})
{{% else %}}
[Where do you live?](https://club.example/where)
{{% endif %}}

漢字かな交じり文。これは長い文章で、どこでも改行できます。שלום עולם, مرحبا بالعالم, Ελληνικά, русский.
"""
HUGE = "\n\n".join(f"## Part {number}\n\n" + f"Zoë wrote line {number} of many. " * 40 for number in range(90))[:99_000]


def letter(body: str, *, tracking: bool = True) -> Letter:
    """A letter with that text and all that a letter can have."""
    return Letter(
        subject='Sommar 🎉 {{ firstName | default: "vän" }}: ' + "ett mycket långt ämne " * 8,
        preheader="Mat klockan sex {{ lastName }} <b>&",
        sender='"Kulturhuset, Söderköping" <kultur@club.example>',
        reply_to="svar@club.example",
        body=body,
        utm=Utm(campaign="sommar 2026", source="crm", medium="email", content="a&b", term="ö"),
        tracking=tracking,
    )


LETTERS = {"ordinary": ORDINARY, "everything": EVERYTHING, "huge": HUGE}
READERS = {"arabic": ARABIC, "nobody": NOBODY}
