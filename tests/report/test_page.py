"""`ttgen report`: a page that says what the plan says, to everybody, and that nothing in a spec can break out of."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

import ttgen
from ttgen.cli.main import main
from ttgen.report.style import CSS

Captured = pytest.CaptureFixture[str]
SPECS = ("mlp", "gemm_a_sharded", "gemm_blocks")
VOID = {"meta"}


class Tree(HTMLParser):
    """Checks that elements are closed in order, and keeps them with their attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _value in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs), [*self.open]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("rect", "path"), tag
        self.elements.append((tag, dict(attrs), [*self.open]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, *tags: str) -> Iterator[dict[str, str | None]]:
        return (attributes for tag, attributes, _parents in self.elements if tag in tags)


def report(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page of some specs, one of which changed since a commit, with what was verified of one."""
    from tests.review.test_diff import git

    (folder / "specs").mkdir()
    for name in SPECS:
        shutil.copy(f"specs/{name}.yaml", folder / "specs")
    monkeypatch.chdir(folder)
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "one")
    path = Path("specs/gemm_blocks.yaml")
    text = path.read_text().replace("block: {m: 4, n: 4", "block: {m: 2, n: 2")
    path.write_text("# </pre><script>alert('&')</script>\n" + text.replace("A @ B", "(A @ B) * 0.5"))
    output = {"tensor": "C", "error": 1e-3, "allowed": 2e-3, "pcc": 0.99999, "index": [3, 4]}
    Path("verify.json").write_text(json.dumps([
        {"kernel": "mlp", "passed": True, "judged": True, "runs": 3, "outputs": [output], "findings": []},
    ]))  # fmt: skip
    assert main(["report", "specs", "--against", "HEAD", "--verified", "verify.json", "-q"]) == 0
    return Path("report.html").read_text()


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return report(tmp_path, monkeypatch)


def test_one_file_without_scripts_and_network(page: str) -> None:
    tree = Tree(page)
    assert not list(tree.all("script", "link", "img", "iframe", "object"))
    assert "alert(" in page
    assert "<script" not in page
    assert not re.findall(r"(?:https?:)?//[\w.]+/", page)
    assert all(
        not name.startswith("on") for attributes in tree.all(*{tag for tag, *_ in tree.elements}) for name in attributes
    )


def test_everybody_can_find_their_way(page: str) -> None:
    tree = Tree(page)
    (html,) = tree.all("html")
    assert html["lang"] == "en"
    ids = [attributes["id"] for tag, attributes, _parents in tree.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {f"#{name}" for name in SPECS} < {link["href"] for link in tree.all("a")}
    assert all((link["href"] or "")[1:] in ids for link in tree.all("a"))
    levels = [int(tag[1]) for tag, *_ in tree.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    tables = sum(tag == "table" for tag, *_ in tree.elements)
    assert tables == sum(tag == "caption" for tag, *_ in tree.elements)
    assert all("scope" in head for head in tree.all("th"))
    # What scrolls can be reached and has a name.
    for attributes in (item for item in tree.all("div", "pre") if item.get("class") == "scroll" or "tabindex" in item):
        assert attributes["tabindex"] == "0"
        assert attributes["aria-label"]
    assert all(drawing["role"] == "img" for drawing in tree.all("svg"))
    assert page.count("<svg") == page.count("<title>") - 1


def text_of(page: str, kernel: str) -> str:
    section = page.split(f'<section id="{kernel}"')[1].split("</section>")[0]
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", section))


def test_it_says_what_the_plan_says(page: str) -> None:
    plan = ttgen.plan(ttgen.load("specs/mlp.yaml"))
    text = text_of(page, "mlp")
    for program in plan.programs:
        assert f"together {program.l1.bytes:,}" in text
    assert f"DRAM read {sum(program.cost.dram_read_bytes for program in plan.programs):,} B" in text
    assert "program H matmul, 64 cores" in text
    assert all(decision.because.replace("'", "&#x27;") in text for decision in plan.decisions)
    assert "Unchanged since HEAD." in text
    assert "verified , 3 runs" in text
    assert "1.00e-03 2.00e-03 0.999990 [3, 4]" in text


def test_every_core_has_a_cell(page: str) -> None:
    section = page.split('<section id="gemm_blocks"')[1].split("</section>")[0]
    cells = re.findall(r'<td style="--load:1.00">1</td>', section)
    # 8 x 8 units of 2 x 2 tiles, one a core.
    assert len(cells) == 64


def test_cores_with_more_work_show_more(page: str) -> None:
    section = page.split('<section id="mlp"')[1].split("</section>")[0]
    # 7 x 11 units on 64 cores, and 7 x 5 on as many.
    assert section.count('<td style="--load:1.00">2</td>') == 77 - 64
    assert section.count('<td style="--load:0.50">1</td>') == 64 - (77 - 64)
    assert section.count('<td style="--load:1.00">1</td>') == 35
    assert section.count('class="idle"') == 2 + 64 - 35


def test_what_changed_is_at_the_top(page: str) -> None:
    text = text_of(page, "gemm_blocks")
    assert text.index("gemm_blocks: different formula") < text.index("Stages and values")
    assert re.search(r"for A = .* everywhere: C\[0, 0\] was", text)
    assert "DRAM read 4,194,304 B 8,388,608 B +100.0%" in text


def luminance(colour: tuple[float, ...]) -> float:
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_apart(scheme: int) -> None:
    """WCAG 2's AA: 4.5 for text, 3 for what is drawn."""
    block = re.findall(r":root\{(.*?)\}", CSS, re.DOTALL)[scheme]
    colours = {
        name: tuple(int(value[place : place + 2], 16) / 255 for place in (0, 2, 4))
        for name, value in re.findall(r"--(\w+):#([0-9a-f]{6})", block)
    }
    for name in ("text", "dim", "accent", "good", "bad"):
        assert contrast(colours[name], colours["page"]) >= 4.5
    for name in ("text", "dim"):
        assert contrast(colours[name], colours["soft"]) >= 4.5
    assert contrast(colours["accent"], colours["free"]) >= 3
    darkest = tuple(0.45 * one + 0.55 * other for one, other in zip(colours["accent"], colours["page"], strict=True))
    assert contrast(colours["text"], darkest) >= 4.5


def test_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    shutil.copy("specs/tile.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["report", "tile.yaml"]) == 0
    assert capsys.readouterr().out == "report.html: written\n"
    assert main(["report", "tile.yaml", "-q"]) == 0
    Path("mine.html").write_text("mine")
    assert main(["report", "tile.yaml", "-o", "mine.html"]) == 1
    assert Path("mine.html").read_text() == "mine"
    Path("verify.json").write_text("{}")
    assert main(["report", "tile.yaml", "--verified", "verify.json"]) == 0
    Path("verify.json").write_text("[1]")
    assert main(["report", "tile.yaml", "--verified", "verify.json"]) == 1
    assert "isn't what ttgen verify --json prints" in capsys.readouterr().err
    assert main(["report", "tile.yaml", "-o", "no/such/page.html"]) == 1
