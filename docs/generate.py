"""Makes docs/spec.md from the dataclasses and tables that the schema and the planner use: `python docs/generate.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ttgen.apis import newest
from ttgen.dtypes import DTYPES
from ttgen.formula.functions import FUNCTIONS
from ttgen.formula.reductions import COMPOSED, REDUCTIONS
from ttgen.operations import OPERATIONS
from ttgen.operations.accuracy import Accuracy
from ttgen.patterns import PATTERNS
from ttgen.schema.generate import document_fields, field_doc, is_required
from ttgen.spec import Budgets, Spec
from ttgen.target import TARGETS, load

PAGE = Path(__file__).parent / "spec.md"

_INTRODUCTION = """\
# The spec language

<!-- Made by docs/generate.py: change the code, not this page. -->

A spec is a YAML file (the 1.2 core schema: `on` and `12:30` are text) of one kernel. Unknown and duplicate keys are
refused, anchors and tags are not part of the language. Editors check it while it is typed when it begins with

```yaml
# yaml-language-server: $schema=kernel.schema.json
```

and `ttgen schema -o kernel.schema.json` has written that file. Everything that has a default can be left out.
"""

_FORMULAS = """\
## Formulas

`compute` is one formula or a list of them: `name = expression`, in NumPy's terms and with NumPy's broadcasting. An assigned
name that is declared under `tensors` is an output; one that isn't stays on the chip, or is stored between two programs
([stages](#stages)). Which tensors are inputs follows from the formulas.

- Operators: `+ - * /` and `@`, unary minus, parentheses; numbers are float32.
- Comparisons `> >= < <= ==` of two sides: 1 where they hold, 0 elsewhere, to be multiplied with or chosen by `where`.
- `.T` on the right operand of `@`, where that is a matrix; `.mT` where it has batches, whose last two dimensions it swaps.
- Functions, elementwise:

| function | operands | parameters | value | largest error on the card, accumulating in bfloat16 | in float32 |
|---|---|---|---|---|---|
"""

_ERRORS = """
Errors are parts of the function's value, and what may come to that beside it; what bfloat16 leaves of a value is in the
first column, storing the output in neither. `softplus` is the line max(x, 0) and a curve, which is a polynomial where
|beta x| is at most 5, `gelu` is 0 below -5.5, and on Blackhole `reciprocal` has 7 bits above 2^119.
"""

_SPECIAL = """
## NaN, infinities, -0 and subnormal numbers

Programs are made for ordinary numbers; this is what becomes of others, in the last release's functions. What `verify` shows is
what the emulator does, which does the same.

- *Overflow* is infinite, as in NumPy in the output's dtype.
- *Subnormal numbers* (nearer to 0 than 1.18e-38) are 0: as operands of `+ - *` and of most functions, and as results. Numbers of a
  formula must not be. A quotient `x / y` is 0 where the reciprocal of y is subnormal, above 8.5e37.
- *-0.0* is 0 everywhere, `where` included; it may become 0, as in `-0.0 + 0`, in products and after most functions.
- *Negative operands*: `log`, `sqrt` and `rsqrt` are NaN when accumulating in float32, and infinite when in bfloat16.
- *NaN* stays NaN in `+ - *`, `/`, `abs`, `leaky_relu`, `exp`, `log`, `sqrt`, `rsqrt`, `square`, `gelu`, `silu`, `softplus`
  and `tanh` when accumulating in float32. It is 1 or -1, by its sign, in `sign` and `erf`, 0 in `sigmoid` and `reciprocal`.
  `maximum`, `minimum` and `relu` compare by sign and magnitude: NaN is larger than infinity, -NaN less than -infinity. A comparison of tensors with NaN is 0; with a number other than 0, NaN is larger than it, and `clip` makes `high` of it.
  When accumulating in bfloat16 it becomes
  infinite in `exp`, `gelu`, `log`, `sqrt`, `rsqrt` and `silu`, 1 in `tanh`, and 0 in a product with 0 or a quotient.
- *Infinities* are ordinary in elementwise operators when accumulating in float32. `gelu(-inf)` and `silu(-inf)` are NaN there. The matrix unit
  isn't IEEE: in `@`, and in `+ - *` of two bfloat16 tensors, inf * 0 and inf - inf may be 0.
- *Far out*: `softplus` of less than about -8.7e6 / beta is no number to rely on (tt-metal#55798).
"""

_RULES = """
The value of a program is NumPy's, in float64 on the inputs as they are stored, but for rounding: intermediate results have
the precision that `precision.accumulate` says, and an output is rounded to its dtype once.

Refused, with the place and a way out: an operand of `@` that is a vector (declare it as a row or a column); an output that
is also an input; a name that is assigned twice, or read before it is assigned; constants; `**`, `!=` and chains of comparisons; a comment inside of a formula, and two formulas in
one text. A formula has at most 4000 characters, and operations nest at most 80 deep over all formulas (a sum of 80 terms
does); a tensor has at most 8 dimensions.

## Reductions

What goes along an axis, called as `sum(x, axis=-1, keepdims=True)`; [rows](rows.md) says how it runs:

| function | value |
|---|---|
"""

_COMPOSED = """
- `axis` is a whole number, several in parentheses, or all axes where it is left out; -1 is the last one.
- `keepdims=True` keeps each of them with one place. Without it they are dropped. Only the first axes of a tensor can be, since no
  element moves between tiles then: `mean(X, axis=0)` of a matrix is a vector, of a stack a matrix.

Functions that are made of those. One that is written out gives the same kernels:

| function | operands | eps | value |
|---|---|---|---|
"""

_HARVESTED = """
On some cards rows or columns of cores are switched off. A program runs there if it fits: `validate --targets all` plans each spec for all
products and for their smaller grids, which are called `p150-10x12` (rows x cols).
"""

_AXES = """
They go along one axis, `axis=-1` unless said. `g` and `b` are broadcast as in NumPy, and never make the result larger than x.

`attention(q, k, v, scale=…, causal=…)` is `softmax(causal(q @ k.mT * scale)) @ v`, with one over the root of the size of queries as
`scale` and no `causal` unless said; `causal(x)` is x where the column is at most row + (columns - rows), else -inf, and masks the
scores of an attention only ([attention](attention.md)).

Reductions accumulate in float32, and sums take HiFi3 or HiFi4: `accumulate: bfloat16` and less fidelity are refused beside them.
"""

_STAGES = """
## Stages

One program has one `@` at most, whose operands are tensors, and outputs of one shape. One that reduces goes along one axis
and has no `@`; it may store what it reduces beside what it makes of that. Formulas that need more are cut into *stages*, a
program each, which run in order: two layers (`H = gelu(X @ W1)`, `Y = H @ W2`), products of one input, a product of products,
an operand of `@` that is computed (its elementwise part is a program of its own), a softmax of a product, sums along two axes,
outputs of different shapes. An [attention](attention.md) is one program, though, both products and the softmax between them; what
follows it is another. What lies between is a *scratch* tensor in device memory: the value that a later stage reads whole,
under the name that its formula assigns, or `Y_1`, `Y_2`, … where none does, in the form in which it is read. A declared output
that a later formula reads is stored once, and read from there. Values of inputs alone are computed wherever they are used.

A scratch tensor has the dtype of the widest tensor that its stage reads (block floats count as bfloat16), lies in
`dram_interleaved`, and is allocated as long as the programs run. `stages` says otherwise, by name:

```yaml
compute:
  - H = gelu(X @ W1)
  - Y = H @ W2
schedule: {block: {m: 4, n: 4, k: 2}}      # of all stages; one with less work takes what it has
stages:
  H: {dtype: bfloat8_b, schedule: {policy: rectangular, block: {m: 2, n: 4, k: 2}}}
```

Each program rounds what it stores, so the result is that of the formulas on stored values. Padding that a later product
sums over is shown to be zero, or finite where the other operand is zero there; what can't be shown is refused. `ttgen
verify` judges each stage from what the ones before it have stored, and all of them together from the inputs.

## Names

Names are C++ identifiers of at most 40 characters, without `__`. A tensor's name also is none of Python's keywords, which
formulas are read as, doesn't end with `_`, and isn't `Buffer`, a type of host programs. Names in kernels are made from it:
`cb_X`, `X_args`, `X_tensor` and `X_address`. Where two tensors would make one name (`cb_A` and `A_args` both make
`cb_A_args`), both are refused. A kernel's name is the target in `CMakeLists.txt`: names that CMake keeps for itself
(`install`, `all`, `test`, …) are refused. Kernels of one command differ in more than case: some file systems don't tell
them apart. The name of a spec's file, which rendered files say, has only characters that can be printed.

## Patterns

A formula belongs to a pattern, which makes its kernels.

| pattern | formulas |
|---|---|
"""

_PADDING = """
## Tiles and padding

Tensors are stored in tiles of 32×32 elements, four faces of 16×16 each. The last two dimensions are padded to whole tiles,
batch dimensions are not; a vector is one row of tiles. Inputs are uploaded zero-padded, which a ragged K needs, and
so does a column that the vector unit spreads over a tile; what an output's padding holds is not specified.

In `bfloat8_b` and `bfloat4_b` sixteen neighbours of a row share an exponent, that of the largest, and what is small beside
it becomes zero. Where a row's last sixteen are partly padding, that padding has to be zero. Of an output it is shown from
the formula: `gelu(X @ W)` is 0 where X or W is, `exp(X)` is refused. A last dimension that is a multiple of 16 is always
right.

## Layouts

`dram_interleaved`: pages (tiles) go round the banks of DRAM. `l1_interleaved`: they go round the L1 of all cores of the
device, for tensors that stay on the chip between programs. L1 is allocated in lockstep, so such a tensor takes the share
of the fullest core, ceil(tiles / cores) tiles, from the circular buffers of every core.

`{l1_sharded: …}`: each core of a grid that begins at core (0, 0) holds a shard, a rectangle of whole tiles. `height` gives
it a run of rows of tiles (the rows of all batches, one batch after another), `width` a run of columns, `block` both. Shards
are numbered row by row in the tensor, and go along the rows of the grid, or down its columns with
`orientation: column_major`; in `block`, a row of shards then fills a column of cores.

Shards divide the work: each core makes the part of the output that belongs to its shard. Those of the first sharded output
lead, or else those of the first sharded input in the formula that isn't broadcast, or else of one that is; a `policy`,
panels, or other `cores` beside them are refused. Where a core's shard of a tensor is just what it needs of it, circular
buffers lie on the shard, and nothing of it is read or written: the same shards as the leader's, the part of a vector that
belongs to its columns, the rows of a left operand. Other sharded tensors are read or written tile by tile where they lie,
and counted. In a contraction, the left operand has shards by `height`, and the output and what the epilogue reads any; the
right operand has none in L1. Blocks end where shards do.

`dram_sharded`, for inputs other than a left operand or a transposed one: each DRAM bank holds a run of columns, of whole
units. Where such a tensor leads, the core beside each bank makes the columns of the output that belong to its own, on at
most as many cores as there are banks. That pays where the output has few rows and all that counts is how fast weights are
read, as in 32×4096×4096. The cores are those that tt-metal itself assigns to the banks of a card whose last rows or columns
are harvested; on another card some are a little further from theirs.

## Orders

Units (blocks of output tiles) are numbered in a work grid of x columns, y rows and z batches:

- `row_major`: `(z * rows + y) * cols + x`
- `column_major`: `(z * cols + x) * rows + y`
- `{block_linear: k}`: panels of k columns, row by row inside a panel; the last panel may be narrower.
- `zigzag`: rows from both ends in turn, 0, the last, 1, the last but one; in a causal attention later rows take longer, and it is the
  default there.

`contiguous` gives core i a run of units, the remainder one each to the first cores; `strided` gives it units i,
i + cores, …. Core i is `(x, y) = (i % cols, i // cols)`. `rectangular` gives core (x, y) the unit columns x, x + columns of
cores, … and the unit rows y, y + rows of cores, …, batch by batch; its order says which of both changes faster. A single row
or column of units goes to all cores of the rectangle, line by line.

## Blocks

A block of a contraction is `m` rows and `n` columns of output tiles, and K goes in steps of `k` tiles; one of an
elementwise formula has `m` and `n` only. Each block of an operand is read into L1 once and used for the whole unit; buffers
hold two, so that the next is read while the core computes, or one where no core has a second. Without shards nothing has to
divide anything: a block at an edge has places that are not read and not written, and the last step of K is shorter. DST
adds up a unit that it holds (four tiles with 32-bit accumulation, eight with 16-bit); of a larger one, the packer adds up
the steps of K in L1, and rounds each to what `accumulate` says. An epilogue of a unit that DST holds is computed there where
DST has the slots for it. `buffers` says how many blocks a stream holds.

Where a formula reduces, a unit is `m` rows of tiles, or `n` columns where it goes along columns, each of them a *line*; `k` is how many
tiles of a line are read, or written, at a time.

## Lines

A program that reduces goes along each line in several walks, such as three for softmax. `keep` says what stays in L1 from one to the
next:

- `values`: the line of each input, and of each computed value that takes a function and that several walks need.
- `inputs`: the line of each input; what is computed is computed again.
- `nothing`: each walk reads its inputs again, so that a line can be of any length.
- `auto`, the default: the first of these that fits.

`split: s` gives each line to s cores, a rectangle of them, each of which has a part of it; what a walk reduces they tell each other.
For few lines, or lines that fit no core. It goes with the policies `contiguous` and `strided`, and with units of one line.

```yaml
schedule: {split: 16, block: {k: 4}}
```

## Cores that share

Cores of a `rectangular` schedule can share what they read and what they sum:

- `multicast: a` lets the cores of a row share blocks of the left operand, `b` those of a column blocks of the right one,
  `both` both. Each block is read from memory once and multicast; the cores take turns, so that reads are spread over cores
  and banks. Where all units are in one row, all cores need the same of A, and share it; in one column, B. All cores of a
  group make as many trips as the one with most: beyond the output they read and write nothing.
- `prefetch: true`: each core reads its next block of what it shares into a buffer of its own while others send, so that
  sending takes a round and reading doesn't. It takes L1 for one more block of each operand.
- `split: s` cuts K into s runs of steps: as many bands of the rectangle, one below the other, make the units, each a part of
  the sums. Sums of the lower bands go to the cores of the first one in the width of DST and are added up there, before the
  epilogue. For few units and a deep K.

```yaml
schedule:
  policy: rectangular
  block: {m: 4, n: 4, k: 4}
  multicast: both
  prefetch: true
```

In an [attention](attention.md#what-a-schedule-says), `multicast: both` shares keys and values, and `split` cuts the keys.

Operands that are shared are read wherever they lie: shards in L1 or in banks are no more than their pages, whose runs in one
shard are read at once. Where one core alone would share, it reads for itself.

## `auto`

`schedule: auto`, or `auto` for any of its fields and for the sides of a block, leaves the choice to ttgen: candidates that are
legal are compared by the [cost model](cost.md), and the fastest is taken; the plan's `decisions` say `from: search`. The same
spec gives the same schedule. What is said of other fields stays; the layout of tensors is never changed. Of several stages each
has its own. Of candidates that are predicted to be as fast the larger subblock is taken, then less L1. `validate` and `plan` say where
it would be [much faster](cost.md#what-auto-would-give) than what a spec asks for.

## Budgets

`budgets` says what a kernel may take. A spec that takes more is refused where the budget stands, by every command that plans,
with the changes of one thing that were tried and meet it: another side of the block, `multicast`, `buffers`, `cores`, a policy,
`auto`, or a tensor's dtype or layout. Those that meet all budgets come first, then those that save most.

```yaml
budgets: {l1_bytes: 400000, dram_read_ratio: 2.5, time_us: 40, balance: 0.9}
```

"""


def page() -> str:
    """The text of the page."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    yield _INTRODUCTION
    sections: dict[str, type] = {"The document": Spec}
    done: set[type] = set()
    while sections:
        title, kind = next(iter(sections.items()))
        del sections[title]
        if kind in done:
            continue
        done.add(kind)
        yield f"\n## {title}\n\n| key | type | default | meaning |\n|---|---|---|---|\n"
        hints = get_type_hints(kind, include_extras=True)
        for item in document_fields(kind):
            hint = hints[item.name]
            doc = field_doc(hint)
            example = f" Such as `{doc.example}`." if doc.example else ""
            bound = f" At least {doc.minimum}." if doc.minimum is not None else ""
            yield f"| `{item.name}` | {_type(hint)} | {_default(item)} | {doc.text}{bound}{example} |\n"
            sections |= {f"`{item.name}`": nested for nested in _nested(hint)}
    yield "\n" + _FORMULAS
    for function in FUNCTIONS.values():
        parameters = ", ".join(f"`{name}={value:g}`" for name, value in function.parameters.items())
        row = OPERATIONS[{"maximum": "max_dst", "minimum": "min_dst"}.get(function.name, function.name)]
        errors = f"{_accuracy(row.narrow)} | {_accuracy(row.wide)}"
        yield f"| `{function.name}` | {function.operands} | {parameters} | {function.meaning} | {errors} |\n"
    yield _ERRORS
    yield _RULES
    for name, meaning in REDUCTIONS.items():
        yield f"| `{name}` | {meaning} |\n"
    yield _COMPOSED
    for composed in COMPOSED.values():
        called = f"{composed.name}({', '.join(('x', 'g', 'b')[: composed.operands])})"
        eps = "" if composed.eps is None else f"`eps={composed.eps:g}`"
        yield f"| `{called}` | {composed.operands} | {eps} | `{composed.meaning}` |\n"
    yield _AXES
    yield _STAGES
    for name, pattern in PATTERNS.items():
        yield f"| `{name}` | {pattern.meaning} |\n"
    yield _SPECIAL
    yield _PADDING
    yield "## Dtypes\n\n| dtype | bits of significand | bytes of a tile | `tt::DataFormat` |\n|---|---|---|---|\n"
    for dtype in DTYPES.values():
        yield f"| `{dtype.name}` | {dtype.significand} | {dtype.tile_bytes} | `{newest().data_formats[dtype.name]}` |\n"
    yield "\n## Targets\n\n| target | cores, rows × cols | usable L1 of a core | circular buffers | fidelity | |\n"
    yield "|---|---|---|---|---|---|\n"
    for name in TARGETS:
        target = load(name)
        yield (
            f"| `{name}` | {target.grid.rows} × {target.grid.cols} | {target.l1.usable:,} B | "
            f"{target.circular_buffers} | {target.fidelity} | {target.description} |\n"
        )
    yield _HARVESTED


def _accuracy(found: Accuracy) -> str:
    parts = [f"{part:.1e}" for part in (found.relative, found.absolute) if part]
    parts += [f"{found.curved:.1e} of the curve"] if found.curved else []
    return " + ".join(parts) or "none"


def _members(hint: Any) -> tuple[Any, ...]:
    inner = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return get_args(inner) if get_origin(inner) in (Union, UnionType) else (inner,)


def _type(hint: Any) -> str:
    return ", or ".join(text for member in _members(hint) if (text := _member(member)))


def _member(hint: Any) -> str:
    if hint is NoneType:
        return ""
    if get_origin(hint) is Literal:
        return " \\| ".join(f"`{word}`" for word in get_args(hint))
    if get_origin(hint) is Mapping:
        return f"mapping of names to {_type(get_args(hint)[1])}"
    if get_origin(hint) is tuple:
        return f"list of {_type(get_args(hint)[0])}"
    if is_dataclass(hint):
        return "mapping"
    return {str: "text", int: "whole number", float: "number", bool: "`true` \\| `false`"}[hint]


def _nested(hint: Any) -> Iterator[type]:
    for member in _members(hint):
        if isinstance(member, type) and is_dataclass(member):
            yield member
        elif get_origin(member) is Mapping:
            yield from _nested(get_args(member)[1])


def _default(item: Field[Any]) -> str:
    budgets = {field.name for field in document_fields(Budgets)}
    if is_required(item):
        return "required"
    if item.default is MISSING:
        return "see below" if item.name in ("precision", "schedule", "block") else "none"
    if item.default is None:
        return "any" if item.name in budgets else "the target's"
    return f"`{str(item.default).lower() if isinstance(item.default, bool) else item.default}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
