"""The documentation site: every public name has its page, and a page that cannot be built fails the build."""

from __future__ import annotations

import html
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, is_typeddict

import attrs
import pytest

from tests.test_docstrings import THINGS

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def build(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_site", root / "scripts/site/build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(build: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("docs") / "site"
    assert build.main([str(out)]) == 0
    return out


def shown(site: Path, source: str) -> str:
    """What a reader sees of a page, without the navigation."""
    page = site / source.removesuffix("index.md").removesuffix(".md") / "index.html"
    article = page.read_text("utf-8").partition("<article")[2].partition("</article>")[0]
    text = re.sub(r"<style.*?</style>|<script.*?</script>", "", article, flags=re.DOTALL)
    return html.unescape(re.sub("<[^>]+>", "", text))


def parameters(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters) - {"self", "cls"}


def test_every_public_name_has_a_page_with_its_parameters_and_fields(
    build: ModuleType, site: Path
) -> None:
    pages = build.pages()
    documented = {f"{module}.{page.name}" for page in pages for module in page.modules}
    assert {name for name in THINGS if name.rpartition(".")[0] in build.MODULES} <= documented
    for page in pages:
        text = shown(site, page.path)
        assert f"{page.modules[0]}.{page.name}" in text
        names: set[str] = set()
        if inspect.isfunction(page.value):
            names = parameters(page.value)
        elif inspect.isclass(page.value):
            members = {name for name in vars(page.value) if not name.startswith("_")}
            names = {name for name in members if callable(getattr(page.value, name))}
            if is_typeddict(page.value):
                names = set(page.value.__annotations__)
            if attrs.has(page.value):
                names |= {field.name for field in attrs.fields(page.value) if field.name[0] != "_"}
            if "\nArgs:\n" in (inspect.getdoc(page.value) or ""):
                names |= parameters(page.value)
        missing = sorted(name for name in names if not re.search(rf"\b{name}\b", text))
        assert not missing, f"{page.path}: {missing}"


def test_no_private_wiring_shows(build: ModuleType, site: Path) -> None:
    for page in build.pages():
        documented = re.findall(
            r"(?<![\w`])(?:togai\._[a-z]\w+|_togai_generated|_[A-Z]\w+)", shown(site, page.path)
        )
        assert not documented, f"{page.path}: {documented}"
    for name in ("togai/Togai", "togai/Events", "togai/EventPages"):
        assert not re.search(r"\b(?:run|settings|cursor): ", shown(site, f"reference/{name}.md"))


def test_each_module_has_a_page_that_names_what_is_in_it(build: ModuleType, site: Path) -> None:
    for module in build.MODULES:
        text = shown(site, f"reference/{module}/index.md")
        for page in build.pages():
            assert module not in page.modules or page.name in text
    assert "├── ConfigurationError" in shown(site, "reference/togai.errors/index.md")


def test_a_language_model_gets_the_readme_and_the_recipes(root: Path, site: Path) -> None:
    text = (site / "llms.txt").read_text("utf-8")
    assert text.startswith("# togai\n")
    assert all((root / name).read_text("utf-8") in text for name in ("README.md", "RECIPES.md"))


def test_documents_link_to_each_other_outside_of_code(build: ModuleType) -> None:
    text = "See RECIPES.md and `SECURITY.md`.\n\n```sh\nedit CHANGELOG.md\n```\n\nOr README.md.\n"
    assert build.linked(text) == (
        "See [RECIPES.md](recipes.md) and `SECURITY.md`.\n\n```sh\nedit CHANGELOG.md\n```\n\n"
        "Or [README.md](index.md).\n"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[a page](missing.md)", "page does not exist"),
        ("[a name][togai.Missing]", "unresolved autoref"),
        ("::: togai.Missing", "togai.Missing could not be found"),
    ],
)
def test_a_link_that_leads_nowhere_fails(
    build: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    problem: str,
) -> None:
    monkeypatch.setattr(build, "linked", lambda document: f"{document}\n\n{text}\n")
    monkeypatch.setattr(build, "DOCUMENTS", {"Overview": "README.md"})
    monkeypatch.setattr(build, "pages", list)
    out = tmp_path / "site"
    assert build.main([str(out)]) == 1
    assert problem in re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().err)
    assert not out.exists()


def test_a_folder_of_something_else_is_not_overwritten(
    build: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "work.txt").write_text("mine")
    with pytest.raises(SystemExit):
        build.main([str(tmp_path)])
    assert "pass another folder" in capsys.readouterr().err
    assert (tmp_path / "work.txt").read_text() == "mine"


def test_the_source_of_every_public_class_and_function_can_be_read() -> None:
    for name, thing in THINGS.items():
        if name.rpartition(".")[0].count(".") <= 1 and (
            inspect.isclass(thing) or inspect.isfunction(thing)
        ):
            first = inspect.getsource(thing).lstrip()
            assert first.startswith(("class ", "def ", "async def ", "@")), name
