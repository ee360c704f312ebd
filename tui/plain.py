"""Text from outside, made harmless for a terminal."""


def plain(text: str) -> str:
    """Return a text without control characters, direction marks and line breaks: each becomes a mark."""
    return (
        text
        if text.isprintable()
        else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    )
