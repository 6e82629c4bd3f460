"""An executed notebook as one HTML file that loads nothing: it looks the same without a network."""

import html

from nbconvert import HTMLExporter
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter

__all__ = ["html_page"]

_STYLE = """
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 sans-serif; color: #222; }
pre { margin: 0; padding: 0.6rem 0.8rem; overflow-x: auto; font: 13px/1.45 monospace; }
.jp-CodeCell { margin: 1rem 0; }
.highlight { background: #f5f5f5; border-left: 3px solid #0072b2; }
.jp-Cell-outputWrapper { margin-top: 0.4rem; }
.prompt, .jp-InputPrompt, .jp-OutputPrompt, .anchor-link { display: none; }
img { max-width: 100%; }
table { border-collapse: collapse; font-size: 14px; }
th, td { padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid #ddd; }
"""


def html_page(notebook: NotebookNode, title: str) -> bytes:
    """Return the page of an executed notebook; the same notebook gives the same bytes."""
    exporter = HTMLExporter(template_name="basic", embed_images=True)
    body, _ = exporter.from_notebook_node(notebook)
    colours = HtmlFormatter(style="default").get_style_defs(".highlight pre")
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title>",
        f"<style>{_STYLE}{colours}</style>",
        "</head>",
        "<body>",
        body.strip(),
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(lines).encode()
