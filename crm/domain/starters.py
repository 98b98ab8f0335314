"""Three templates that come with the program, offered for as long as staff have made none of their own."""

from crm.domain.templates import Template

INVITATION = """\
Hi {{ firstName | default: "there" }},

on **Thursday, 18 June** we meet again, and we would love to see you{% if company != "" %} and your colleagues{% endif %}.

## What to expect

- **18:30** Doors open, with something to drink
- **19:00** Two short talks, with time for questions
- **20:30** Food, and people to talk to

[Save my seat](https://example.org/register)

**Where:** Community House, Main Street 1. It is five minutes on foot from the station, without steps.

Seats are few, so please give yours back if something comes up.

See you there!
"""

NEWSLETTER = """\
Hi {{ firstName | default: "there" }},

here is what happened in our community this month, and what comes next.

## The story of the month

Write three or four sentences about the one thing that nobody should miss, and why it matters to them.

[Read the whole story](https://example.org/story)

## Coming up

| When | What |
| --- | --- |
| 4 June | First evening of the spring series |
| 18 June | Community meetup |

[See all events](https://example.org/events)

## In short

- Somebody in the community made something: say who and what, with a link.
- Help wanted: say for what, and whom to ask.
- Something to read on the way home.

Do you have news for the next issue? Just answer this letter.
"""

THANKS = """\
Hi {{ firstName | default: "there" }},

thank you for being with us yesterday. It was a good evening because of the people in the room, and you were one of them.

{% if attendedEventCount > 1 %}
It was your event no. {{ attendedEventCount }} with us. It is good to see you again and again!
{% else %}
It was your first event with us, and we hope it was not the last.
{% endif %}

## What you can take home

- [Slides of the talks](https://example.org/slides)
- [Pictures of the evening](https://example.org/pictures)

## Two minutes for the next one

What should we keep, and what should we change? Three questions, no names.

[Tell us how it was](https://example.org/feedback)

See you next time!
"""

STARTERS = (
    Template(
        id="starter-invitation",
        name="Event invitation",
        subject="You are invited, {{ firstName }}",
        preheader="Two short talks, food, and people worth meeting. Seats are few.",
        body=INVITATION.strip(),
    ),
    Template(
        id="starter-newsletter",
        name="Newsletter",
        subject="News from our community",
        preheader="The story of the month, what comes next, and three things in short.",
        body=NEWSLETTER.strip(),
    ),
    Template(
        id="starter-thanks",
        name="Thank you after an event",
        subject="Thank you for coming, {{ firstName }}",
        preheader="Slides, pictures, and two minutes for the next time.",
        body=THANKS.strip(),
    ),
)
