"""What of a web page is not its content: navigation, banners, forms, what is hidden, and which part is the content."""

from __future__ import annotations

import re
from typing import Any

_TAGS = (
    "script style noscript template svg math canvas iframe object embed applet audio video map nav aside footer dialog "
    "button input select textarea label option datalist meter progress menu rt rp del s strike title head link meta "
    "base"
)
LEFT_OUT = frozenset(_TAGS.split())
_ROLES = (
    "navigation banner contentinfo complementary search dialog alertdialog alert menu menubar toolbar tablist "
    "doc-toc doc-pagelist doc-noteref doc-backlink doc-index"
)
ROLES = frozenset(_ROLES.split())
_ALWAYS = re.compile(
    r"(?:site|page|main|global)?[-_]?footer|cookie[-_]?(?:banner|consent|notice|bar|popup|law|message|policy|overlay)"
    r"s?|(?:onetrust|cc|gdpr|consent)(?:[-_]\w+)*|mw-editsection|headerlink|noprint|navbox|reflist|references|"
    r"(?:sr|screen-reader)-(?:only|text)|visually-hidden|skip-?(?:link|to-content|nav)|advert(?:isement)?s?|ads?",
    re.IGNORECASE,
)
_WHEN_LINKS = re.compile(
    r"(?:[a-z]+[-_])*(?:nav|navbar|navigation|menu|breadcrumbs?|sidebar|toc|share|sharing|social|related|pagination|"
    r"pager|masthead|header|topbar|links|tags)(?:[-_][a-z]+)*",
    re.IGNORECASE,
)
_INVISIBLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_MOSTLY = 0.4
"""What holds more of the page's text than this is its content, whatever it is called."""
_LEAST_CONTENT = 200


def size(element: Any) -> int:
    """Characters of text in an element."""
    return sum(len(text) for text in element.itertext())


def link_share(element: Any) -> float:
    """How much of an element's text is links, 0..1."""
    whole = sum(len(text.strip()) for text in element.itertext())
    return sum(len(text.strip()) for link in element.iter("a") for text in link.itertext()) / whole if whole else 0.0


def is_left_out(element: Any, page_size: int) -> bool:
    """Whether nothing of an element is content. page_size: characters of the page's text."""
    tag = element.tag
    if not isinstance(tag, str) or tag in LEFT_OUT:
        return True
    hidden = element.get("hidden")
    if hidden is not None and hidden.lower() != "until-found":
        return True
    if element.get("aria-hidden") == "true" or _INVISIBLE.search(element.get("style", "")):
        return True
    if ROLES.intersection(element.get("role", "").lower().split()):
        return True
    if tag == "form":
        return size(element) <= _MOSTLY * page_size  # some frameworks wrap the whole page in a form
    if tag in ("html", "body", "main", "article"):
        return False
    names = [*element.get("class", "").split()[:20], element.get("id", "")]
    if any(_ALWAYS.fullmatch(name) for name in names):
        return size(element) <= _MOSTLY * page_size
    return any(_WHEN_LINKS.fullmatch(name) for name in names) and link_share(element) > 0.5


def content(root: Any) -> Any:
    """The element that holds a page's content: its one `main` or `article`, else its body, else the page."""
    body = next(iter(root.iter("body")), root)
    whole = size(body)
    for found in ([*root.iter("main")], root.xpath("//*[@role='main']"), [*root.iter("article")]):
        if len(found) == 1 and size(found[0]) >= min(_LEAST_CONTENT, whole // 5):
            return found[0]
    return body


def is_shown(heading: Any, page: Any) -> bool:
    """Whether a heading stands in the content itself, not in a header, a navigation or something hidden."""
    while heading is not None and heading is not page:
        if heading.tag in LEFT_OUT or heading.tag == "header" or heading.get("hidden") is not None:
            return False
        heading = heading.getparent()
    return True
