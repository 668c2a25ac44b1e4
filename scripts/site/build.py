"""Build the documentation site: the documents of this repository, and a page for each public name.

A broken link, a docstring that cannot be read or a name that is missing fails.
"""

from __future__ import annotations

import argparse
import enum
import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import attrs
from contract.surface import MODULES, ROOT
from project_urls import project_urls

DOCUMENTS = {
    "Overview": "README.md",
    "Recipes": "RECIPES.md",
    "Migrate from togai-client": "MIGRATION.md",
    "Benchmarks": "BENCHMARKS.md",
    "Security and compatibility": "SECURITY.md",
    "Changelog": "CHANGELOG.md",
    "Contributing": "CONTRIBUTING.md",
}


@dataclass
class Page:
    """A public name, with all modules that it can be imported from."""

    name: str
    value: Any
    modules: list[str] = field(default_factory=list[str])

    @property
    def path(self) -> str:
        """Return the file of the page."""
        # The path contains the kind, because some file systems do not distinguish rows and Rows.
        folder = "" if inspect.isclass(self.value) else "functions/"
        return f"reference/{self.modules[0]}/{folder}{self.name}.md"

    @property
    def summary(self) -> str:
        """Return the first sentence of its documentation."""
        documented = inspect.isclass(self.value) or inspect.isroutine(self.value)
        text = (inspect.getdoc(self.value) or "") if documented else ""
        return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")

    def text(self) -> str:
        """Return the source of the page."""
        others = ", ".join(f"`{module}.{self.name}`" for module in self.modules[1:])
        lines = [f"::: {self.modules[0]}.{self.name}"]
        if options := self._options():
            lines += [
                "    options:",
                *(f"      {name}: {json.dumps(options[name])}" for name in options),
            ]
        return "\n".join(lines) + "\n" + (f"\nAlso importable as {others}.\n" if others else "")

    def _options(self) -> dict[str, bool]:
        value = self.value
        if not inspect.isclass(value):
            return {"show_attribute_values": True}
        options = {}
        if attrs.has(value) or issubclass(value, enum.Enum):
            options["show_labels"] = False
        if issubclass(value, enum.Enum):
            options["show_attribute_values"] = True
        if issubclass(value, Exception):
            options["show_bases"] = True
        return options


def pages() -> list[Page]:
    """Return a page for each public name; a name in several modules has one page."""
    pages_by_id: dict[Any, Page] = {}
    for name in MODULES:
        module = importlib.import_module(name)
        for public in sorted(module.__all__):
            value = getattr(module, public)
            key = public if isinstance(value, str) else (public, id(value))
            # The page belongs to the more specific module, such as togai.errors or togai.models.
            pages_by_id.setdefault(key, Page(public, value)).modules.insert(0, name)
    return list(pages_by_id.values())


def module_page(name: str, its: list[Page]) -> str:
    """Return the source of the page of a module: its documentation, and its names."""
    lines = [f"# {name}", ""]
    for paragraph in inspect.getdoc(importlib.import_module(name)).split("\n\n"):  # type: ignore[union-attr]
        drawn = "├── " in paragraph
        lines += ["```text", paragraph, "```", ""] if drawn else [paragraph, ""]
    lines += ["| name | |", "|---|---|"]
    here = f"reference/{name}"
    for page in sorted(its, key=lambda one: one.name):
        link = os.path.relpath(page.path, here)
        lines.append(f"| [`{page.name}`]({link}) | {page.summary} |")
    return "\n".join(lines) + "\n"


def _path_of(document: str) -> str:
    return "index.md" if document == "README.md" else document.lower()


def linked(text: str) -> str:
    """Return a document in which mentions of other documents, outside of code, are links."""
    names = "|".join(re.escape(name) for name in DOCUMENTS.values())
    prose = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    for i in range(0, len(prose), 2):
        prose[i] = re.sub(
            rf"(?<![\w`(/\[])({names})\b",
            lambda match: f"[{match[1]}]({_path_of(match[1])})",
            prose[i],
        )
    return "".join(prose)


def write_sources(folder: Path) -> list[Any]:
    """Write the sources of all pages; return the navigation."""
    every = pages()
    texts: dict[str, str] = {}
    guide: list[Any] = []
    for title, name in DOCUMENTS.items():
        path = _path_of(name)
        texts[path] = linked((ROOT / name).read_text("utf-8"))
        guide.append({title: path})
    reference: list[Any] = []
    for module in MODULES:
        index = f"reference/{module}/index.md"
        texts[index] = module_page(module, [page for page in every if module in page.modules])
        own = [page for page in every if page.modules[0] == module]
        reference.append({module: [index, *({page.name: page.path} for page in own)]})
    texts |= {page.path: page.text() for page in every}
    for name, text in texts.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return [{"Guide": guide}, {"Reference": reference}]


def write_configuration(path: Path, navigation: list[Any]) -> None:
    """Write the configuration of a build: this repository's configuration, and the paths."""
    loaded = tomllib.loads((Path(__file__).parent / "zensical.toml").read_text("utf-8"))
    project: dict[str, Any] = loaded["project"]
    urls = project_urls(
        os.environ.get("GITHUB_SERVER_URL", ""), os.environ.get("GITHUB_REPOSITORY", "")
    )
    if urls:
        project |= {"site_url": urls["Documentation"], "repo_url": urls["Source"]}
    project |= {"docs_dir": "docs", "site_dir": "site", "nav": navigation}
    handler: dict[str, Any] = project["plugins"]["mkdocstrings"]["handlers"]["python"]
    handler["options"]["extensions"] = [str(Path(__file__).with_name("attrs_parameters.py"))]
    handler["paths"] = [str(ROOT), str(ROOT / "generated")]
    path.write_text(f"project = {_toml(project)}\n", "utf-8")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        entries: dict[str, Any] = value
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in entries.items()) + "}"
    if isinstance(value, list):
        items: list[Any] = value
        return "[" + ", ".join(_toml(item) for item in items) + "]"
    return json.dumps(value)


def llms() -> str:
    """Return the text that a language model needs to write code with the package."""
    parts = [(ROOT / name).read_text("utf-8").strip() for name in ("README.md", "RECIPES.md")]
    return "\n\n".join(parts) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/docs", description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=ROOT / "site", metavar="FOLDER")
    out: Path = parser.parse_args(arguments).out.absolute()
    if out.exists() and not (out / "objects.inv").exists() and any(out.iterdir()):
        parser.error(f"{out} contains files other than an earlier build: pass another folder")
    with tempfile.TemporaryDirectory(prefix="togai-docs-") as temporary:
        room = Path(temporary)
        navigation = write_sources(room / "docs")
        write_configuration(room / "zensical.toml", navigation)
        tool = Path(sys.executable).with_name("zensical")
        command = [str(tool), "build", "--strict"]
        done = subprocess.run(command, cwd=room, capture_output=True, text=True, check=False)
        # zensical does not treat warnings about docstrings as errors.
        if done.returncode != 0 or "griffe: " in done.stderr:
            print(done.stdout, done.stderr, "the documentation has errors", file=sys.stderr)
            return 1
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(room / "site", out)
    (out / "llms.txt").write_text(llms(), "utf-8")
    print(f"{out / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
