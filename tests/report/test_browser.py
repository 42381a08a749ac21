"""The page in a browser: what an accessibility checker has against it, on wide and narrow screens, light and dark.

Needs Chromium, and axe-core: `npm install axe-core`, with AXE_CORE naming its axe.min.js; `pytest -m browser` runs it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.report.test_page import report

AXE = Path(os.environ.get("AXE_CORE", "node_modules/axe-core/axe.min.js")).absolute()
RUN = """
<script>%s</script>
<script>
window.onerror = message => document.title = 'error: ' + message;
axe.run(document, {resultTypes: ['violations']}).then(found => {
  const shown = document.createElement('pre');
  shown.id = 'axe';
  shown.textContent = JSON.stringify({
    violations: found.violations.map(item => [item.id, item.nodes.map(node => node.html.slice(0, 200))]),
    passes: found.passes.length, wide: document.documentElement.scrollWidth, room: document.documentElement.clientWidth,
  });
  document.body.replaceChildren(shown);
});
</script>
"""


def checked(page: str, folder: Path, *options: str) -> dict[str, Any]:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None or not AXE.exists():
        pytest.skip("needs Chromium and axe-core")
    path = folder / "page.html"
    path.write_text(page.replace("</body>", RUN % AXE.read_text(encoding="utf-8") + "</body>"), encoding="utf-8")
    words = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--enable-logging=stderr",
             *options, "--dump-dom", path.as_uri()]  # fmt: skip
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in done.stderr
    match = re.search(r'<pre id="axe">(.*?)</pre>', done.stdout, re.DOTALL)
    assert match is not None, done.stdout[-2000:]
    return dict(json.loads(unescape(match[1])))


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_in_anybodys_way(width: int, scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = [f"--window-size={width},900", *(["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else [])]
    found = checked(report(tmp_path, monkeypatch), tmp_path, *options)
    assert found["violations"] == []
    assert found["passes"] > 20
    # What is too wide scrolls by itself, and not the page.
    assert found["wide"] <= found["room"]
