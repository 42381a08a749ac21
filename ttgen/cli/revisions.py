"""The specs of a command line in two revisions: those that changed, and all that is found of each."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ttgen import origins
from ttgen.cli import specs
from ttgen.cli.scope import Scope
from ttgen.errors import OutputError, SpecError, UserError
from ttgen.loading import loads
from ttgen.model.plan import SCHEMA_VERSION
from ttgen.output import PLAN, read
from ttgen.planner.resolve import planned, unproven
from ttgen.rendering.artifacts import artifacts
from ttgen.review.compare import alone, compare
from ttgen.review.matching import Pair, match
from ttgen.review.model import Cause, Review
from ttgen.review.side import Side, of_output, of_plan
from ttgen.schema.validation import schema_text
from ttgen.spec_file import read_bytes
from ttgen.trees import Revision

Wrong = tuple[Path, UserError]
Texts = Mapping[str, str]
"""Files of a kernel by their path in its folder."""


class Compared(NamedTuple):
    """What is found of some specs.

    Attributes:
        reviews: of kernels that changed.
        unchanged: how many didn't.
        wrong: specs that can't be planned, and why.
    """

    reviews: tuple[Review, ...]
    unchanged: int
    wrong: tuple[Wrong, ...]


def against_revision(words: Sequence[str], revision: Revision, out: Path) -> Compared:
    """Compares specs, and what was rendered of them, with a revision of git.

    Raises:
        OutputError: words that name nothing in either revision, or nothing of the repository.
    """
    scope = Scope(words, revision)
    rendered = _Rendered.of(revision, out)
    changed = revision.changed([*scope.folders, *([rendered.place] if rendered is not None else [])])
    before = revision.texts([path for path, was in changed.items() if was and scope.beside(path)])
    now = {path: raw for path in changed if scope.names(path) and (raw := _bytes(revision.root / path)) is not None}
    # What stands beside what was named may have moved from there, if it isn't there any more.
    old = {
        path: raw
        for path, raw in before.items()
        if now.get(path) != raw and (scope.names(path) or not (revision.root / path).is_file())
    }
    new = {path: raw for path, raw in now.items() if before.get(path) != raw}
    pairs = [pair for pair in match(old, new) if pair.new is not None or scope.names(pair.old or "")]
    found: list[Review] = []
    wrong: list[Wrong] = []
    for pair in pairs:
        try:
            found.append(_pair(pair, old, new, rendered))
        except UserError as error:
            wrong.append((Path(pair.new or ""), error))
    present = scope.present()
    if not present and not found and not wrong:
        specs.find(words)
        raise OutputError(f"{' '.join(words)}: no spec there, nor was there one in {revision.name}")
    if rendered is not None:
        paths = [path for path, was in changed.items() if was and path.startswith(f"{rendered.place}/")]
        found += rendered.reviews(paths, scope, {pair.new for pair in pairs})
    same = len(present) - sum(review.change != "removed" for review in found) - len(wrong)
    return Compared(tuple(found), same, tuple(wrong))


def against_specs(words: Sequence[str], folder: Path) -> Compared:
    """Compares specs with those of a folder, of the same file names."""
    old = {path.name: read_bytes(path) for path in specs.find([str(folder)])}
    paths = {path.name: path for path in specs.find(words)}
    new = {name: read_bytes(path) for name, path in paths.items()}
    same = {name for name in new if old.get(name) == new[name]}
    pairs = match({k: v for k, v in old.items() if k not in same}, {k: v for k, v in new.items() if k not in same})
    found: list[Review] = []
    wrong: list[Wrong] = []
    whole = bool(specs.folders(words))
    for pair in pairs:
        if pair.new is None and not whole:
            continue
        try:
            found.append(_pair(pair, old, new, None))
        except UserError as error:
            wrong.append((Path(pair.new or ""), error))
    return Compared(tuple(found), len(same), tuple(wrong))


def against_output(words: Sequence[str], folder: Path) -> Compared:
    """Compares what specs say with what an output folder holds, this ttgen's or another's."""
    wrong: list[Wrong] = []
    found_plans, _number = specs.planned_all(words, lambda path, error: wrong.append((path, error)))
    found: list[Review] = []
    same = 0
    for item in found_plans:
        loaded, plan = item.loaded, item.plan
        texts = {file.path.split("/", 1)[1]: file.text for file in artifacts(plan)}
        there = _files(folder / plan.kernel)
        if texts == there:
            same += 1
            continue
        new = replace(of_plan(item), files=texts)
        old = _side(plan.kernel, there)
        if old is None and there:
            note = f"this ttgen can't read {folder / plan.kernel / PLAN}"
            unknown = Review(
                kernel=plan.kernel, spec=loaded.source.name, change="changed", values="unknown", notes=(note,)
            )
            found.append(unknown)
        elif old is None:
            found.append(alone(new, spec=loaded.source.name, change="new"))
        else:
            found.append(compare(old, new, spec=loaded.source.name))
    if specs.folders(words):
        known = {item.plan.kernel for item in found_plans}
        for path in sorted(folder.glob(f"*/{PLAN}")):
            side = _side(path.parent.name, _files(path.parent)) if path.parent.name not in known else None
            if side is not None:
                found.append(alone(side, spec=str(side.document["spec"]), change="removed"))
    return Compared(tuple(found), same, tuple(wrong))


def _pair(pair: Pair, old: Mapping[str, bytes], new: Mapping[str, bytes], rendered: _Rendered | None) -> Review:
    """A spec before and now.

    Raises:
        SpecError: it can't be planned now.
    """
    now = None
    if pair.new is not None:
        loaded = loads(new[pair.new], name=pair.new)
        now = of_plan(planned(loaded))
    if pair.old is None:
        assert now is not None, "there is a spec before, or now"
        return alone(now, spec=pair.new or "", change="new")
    try:
        before = of_plan(unproven(loads(old[pair.old], name=pair.old)))
    except SpecError as error:
        name = pair.new or pair.old
        kernel = now.document["kernel"] if now is not None else Path(pair.old).stem
        note = f"this ttgen can't plan the old spec: {error}"
        change = pair.change if now is not None else "removed"
        return Review(kernel=kernel, spec=name, change=change, values="unknown", notes=(note,))
    if now is None:
        return alone(before, spec=pair.old, change="removed")
    was = before.document["kernel"] if pair.change == "renamed" else pair.old if pair.change == "moved" else ""
    more = () if rendered is None else tuple(rendered.causes(before, old[pair.old], now, new[pair.new or ""]))
    return compare(before, now, spec=pair.new or "", change=pair.change, was=was, more=more)


class _Rendered(NamedTuple):
    """An output folder of a repository, before and now."""

    revision: Revision
    out: Path
    place: str
    before: origins.Known
    now: origins.Known

    @classmethod
    def of(cls, revision: Revision, out: Path) -> _Rendered | None:
        """The folder, if it is one of the repository."""
        try:
            place = revision.relative(out)
        except OutputError:
            return None
        file = f"{place}/{origins.FILE}"
        text = revision.texts([file]).get(file)
        known = [
            origins.parsed(Path(file), None if text is None else text.decode(errors="surrogateescape")),
            origins.parsed(out / origins.FILE, read(out / origins.FILE)),
        ]
        return cls(revision, out, place, *known)

    def causes(self, old: Side, old_raw: bytes, new: Side, new_raw: bytes) -> Iterator[Cause]:
        """What there is to say of output beside a spec that changed."""
        assert old.plan is not None, "statements are known"
        kernel, before = new.document["kernel"], old.plan.kernel
        file = f"{self.place}/{kernel}"
        if (known := self.now.digests.get(kernel)) is not None:
            why = origins.reasons(known, origins.spec_digest(new_raw), _digest(kernel, _files(self.out / kernel)))
            if "edited" in why:
                yield Cause(kind="edited", file=file, line=None, text="edited by hand since it was rendered")
            elif "spec" in why:
                yield Cause(kind="output", file=file, line=None, text="not rendered from this spec yet")
        known = self.before.digests.get(before)
        if (
            known is not None
            and known.spec == origins.spec_digest(old_raw)
            and known.files != origins.files_digest(artifacts(old.plan))
        ):
            text = f"another ttgen rendered it in {self.revision.name}; compared is what this one makes of both specs"
            yield Cause(kind="ttgen", file=file, line=None, text=text)

    def reviews(self, changed: Sequence[str], scope: Scope, reviewed: set[str | None]) -> Iterator[Review]:
        """The kernels whose files changed though their specs, which aren't reviewed already, are the same."""
        kernels = sorted({path[len(self.place) + 1 :].split("/")[0] for path in changed} & self.now.specs.keys())
        wanted = []
        for kernel in kernels:
            spec = Path(os.path.normpath(self.out.resolve() / self.now.specs[kernel]))
            with suppress(OutputError):
                path = self.revision.relative(spec)
                if scope.names(path) and path not in reviewed and spec.is_file():
                    wanted.append((kernel, path, spec))
        listed = self.revision.files([f"{self.place}/{kernel}" for kernel, _path, _spec in wanted])
        texts = self.revision.texts(listed)
        for kernel, path, spec in wanted:
            begin = f"{self.place}/{kernel}/"
            before = {
                name[len(begin) :]: raw.decode(errors="surrogateescape")
                for name, raw in texts.items()
                if name.startswith(begin)
            }
            if (review := self._review(kernel, path, read_bytes(spec), before)) is not None:
                yield review

    def _review(self, kernel: str, path: str, raw: bytes, before: Texts) -> Review | None:
        there = _files(self.out / kernel)
        old = _side(kernel, before)
        if old is None or there == before:
            return None
        file = f"{self.place}/{kernel}"
        said = of_plan(unproven(loads(raw, name=path)))
        assert said.plan is not None, "a spec has a plan"
        texts = {item.path.split("/", 1)[1]: item.text for item in artifacts(said.plan)}
        if texts == there:
            cause = Cause(kind="ttgen", file=file, line=None, text="rendered by another ttgen, the spec is the same")
            return compare(old, replace(said, files=texts), spec=path, more=[cause])
        new = _side(kernel, there)
        why = origins.reasons(self.now.digests.get(kernel), origins.spec_digest(raw), _digest(kernel, there))
        word = "edited by hand" if "edited" in why else "isn't what this ttgen makes of the spec"
        cause = Cause(kind="edited" if "edited" in why else "output", file=file, line=None, text=word)
        if new is None:
            return Review(kernel=kernel, spec=path, change="changed", values="unknown", causes=(cause,))
        return replace(compare(old, new, spec=path, more=[cause]), values="unknown")


def _digest(kernel: str, files: Texts) -> str:
    return origins.files_digest((f"{kernel}/{path}", text) for path, text in files.items())


def _side(kernel: str, files: Texts) -> Side | None:
    """A kernel of an output folder; None where there is none, or where its plan isn't one that this ttgen reads."""
    if PLAN not in files:
        return None
    # It explains what is wrong with a document, and takes as long to import as the planner.
    from jsonschema import Draft202012Validator

    with suppress(ValueError, SpecError, RecursionError):
        document = json.loads(files[PLAN])
        schema = json.loads(schema_text("plan"))
        is_ours = Draft202012Validator(schema).is_valid(document) and document["schema_version"] == SCHEMA_VERSION
        if is_ours and document["kernel"] == kernel:
            return of_output(document, files)
    return None


def _files(folder: Path) -> Texts:
    """The files of a kernel's folder that its plan lists."""
    listed: list[str] = []
    with suppress(ValueError, KeyError, TypeError, OutputError, RecursionError, AttributeError):
        listed = [name for name in json.loads(read(folder / PLAN) or "")["files"] if ".." not in name]
    texts = ((name, read(folder / name)) for name in listed)
    return {name: text for name, text in texts if text is not None}


def _bytes(path: Path) -> bytes | None:
    return read_bytes(path) if path.is_file() else None
