"""How the site is built: `make docs`. Sphinx reads the Markdown beside this file and the docstrings of the package."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

import stance  # noqa: E402

project = "stance"
author = "the stance contributors"
release = version = stance.__version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
exclude_patterns = ["examples", "schemas"]

myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]

# Docstrings are numpydoc, with names in single backticks as in Markdown.
default_role = "code"
napoleon_google_docstring = False
napoleon_use_rtype = False
# `attribute : type` under Attributes would else be documented a second time where the dataclass holds it.
napoleon_use_ivar = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 80
add_module_names = False

html_theme = "furo"
html_title = f"stance {version}"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {"top_of_page_buttons": []}


class SchemaTable(SphinxDirective):
    """Show the fields of a JSON Schema in docs/schemas, or of the part of it that `:part:` names."""

    required_arguments = 1
    option_spec = {"part": directives.unchanged}  # noqa: RUF012 - docutils asks for a plain dict

    def run(self) -> list[nodes.Node]:
        path = DOCS / "schemas" / f"{self.arguments[0]}.schema.json"
        self.env.note_dependency(str(path))
        schema = json.loads(path.read_bytes())
        rows = schema
        for key in self.options.get("part", "").split():
            rows = rows[key]
        lines = ["| field | type | what |", "| --- | --- | --- |"]
        for field, about in rows["properties"].items():
            sometimes = "" if field in rows.get("required", []) else " (optional)"
            lines.append(f"| `{field}` | {_type_of(about)} | {about.get('description', '')}{sometimes} |")
        link = f"JSON Schema: [{path.name}](/schemas/{path.name})"
        return self.parse_text_to_nodes("\n".join([schema["description"], "", *lines, "", link]))


def _type_of(about: dict) -> str:
    if "const" in about:
        return f"`{json.dumps(about['const'])}`".replace('"', "")
    if "enum" in about:
        return ", ".join(f"`{value}`" for value in about["enum"] if value) + (
            " or null" if None in about["enum"] else ""
        )
    if "anyOf" in about:
        return " or ".join(map(_type_of, about["anyOf"]))
    kind = about.get("type", "object")
    return " or ".join([kind] if isinstance(kind, str) else kind)


def setup(app: Sphinx) -> None:
    app.add_directive("schema", SchemaTable)
