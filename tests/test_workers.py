"""Many specs are made by several processes: what comes of it is what comes of one."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

from ttgen.errors import Place, Problem, SpecError

SPEC = "kernel: {name}\ntensors: {{X: {{shape: [64, {size}], dtype: bfloat16}}, Y: {{shape: [64, {size}], dtype: bfloat16}}}}\n"


def rendered(folder: Path, workers: int) -> tuple[int, str, str, dict[str, bytes]]:
    script = (
        f"import sys, os\nfrom ttgen.cli import specs\nspecs.SPECS_A_WORKER, specs.MOST_WORKERS = 2, {workers}\n"
        "os.cpu_count, os.sched_getaffinity = lambda: 3, lambda _process: {0, 1, 2}\n"
        "from ttgen.cli.main import main\n"
        "status = main(['render', '--no-cache', 'specs', '-o', 'out'])\n"
        f"assert ('concurrent.futures' in sys.modules) == {workers > 1}\n"
        "sys.exit(status)"
    )
    found = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("out/**/*") if path.is_file()}
    return found.returncode, found.stdout, found.stderr, files


def test_workers_make_what_one_process_makes(tmp_path: Path) -> None:
    specs = tmp_path / "specs"
    specs.mkdir()
    for number in range(40):
        text = SPEC.format(name=f"kernel_{number}", size=32 * number + 32) + "compute: Y = exp(X)\n"
        (specs / f"{number:02}.yaml").write_text(text)
    status, out, err, files = rendered(tmp_path, 3)
    assert (status, err) == (0, "")
    assert rendered(tmp_path, 1)[3] == files
    assert [line.split(":")[0] for line in out.splitlines() if "balance" in line] == [
        f"out/kernel_{number}" for number in range(40)
    ]


def test_workers_find_what_one_process_finds(tmp_path: Path) -> None:
    specs = tmp_path / "specs"
    specs.mkdir()
    formulas = ("Y = exp(X)", "Y = exp(Z)", "Y = exq(X)", "Y = (X", "Y = X @ X", "[]")
    for number in range(24):
        # The last four have names of others.
        text = SPEC.format(name=f"kernel_{number % 20}", size=32) + f"compute: {formulas[number % len(formulas)]}\n"
        (specs / f"{number:02}.yaml").write_text(text if number != 9 else "kernel: [")
    several, one = rendered(tmp_path, 3), rendered(tmp_path, 1)
    assert several == one
    assert several[0] == 1
    assert "is also that of" in several[2]
    assert several[2].count("error:") == 20


def test_a_mistake_crosses_processes() -> None:
    error = SpecError(
        [Problem(message="wrong", path=("compute", 1))], [Place(file="a", line=1, column=2, length=3, text="b")]
    )
    copied = pickle.loads(pickle.dumps(error))
    assert (str(copied), copied.problems, copied.places) == (str(error), error.problems, error.places)
