"""QR codes (ISO/IEC 18004) as inline SVG."""

from __future__ import annotations


def qr_code(text: str) -> tuple[int, str]:
    """A text as a picture: its side in squares, and the path of the dark ones."""
    import segno  # 11 MB that most processes never need

    matrix = segno.make(text, error="m", micro=False).matrix
    squares = (
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, cell in enumerate(row) if cell
    )
    return len(matrix), "".join(squares)
