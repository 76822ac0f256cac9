"""Puts a picture on a page, with the same as text below it."""

from __future__ import annotations

from docutils import nodes


def drawn(picture: str, text: str) -> list[nodes.Node]:
    """Return a picture that scrolls where it is too wide, and the text, folded in HTML.

    Args:
        picture: SVG.
        text: says the same to readers and formats that have no pictures.
    """
    return [
        nodes.raw("", f'<div class="scrolls" tabindex="0">{picture}</div>', format="html"),
        nodes.raw("", "<details><summary>as text</summary>", format="html"),
        nodes.literal_block(text, text, language="text"),
        nodes.raw("", "</details>", format="html"),
    ]
