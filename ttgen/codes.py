"""The kinds of mistakes that ttgen names, each with a code that stays: what it means, and what to do.

A problem's kind is known from its message, which is the interface and is held by tests: every message of
`tests/bad_specs/` has exactly one. Codes are never given anew; a kind that goes takes its code with it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from ttgen.records import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of mistake.

    Attributes:
        code: `TG` and three digits: 0 the file, 1 keys, values and names, 2 formulas, 3 schedules and layouts, 4 limits
            and budgets, 5 files that differ, 6 what `diff` finds, 7 what `verify` finds.
        title: in a few words.
        fix: what to do.
        pattern: the beginning of its messages, or all that they have in common; none for what has no spec to point at.
    """

    code: str
    title: str
    fix: str
    pattern: str = ""


_NAME: Final = (
    r"(?:kernel name|tensor name|size name|'[^']*' is stored between programs, and as the name of a tensor it)"
)

CODES: Final[tuple[Code, ...]] = (
    Code("TG001", "not a text file", "A spec is a YAML file in UTF-8 of at most a million bytes, whose name can be printed.",
         r"not text:|the file is (?:not UTF-8|larger than)|the file's name"),
    Code("TG002", "not YAML", "Check brackets, quotes and indentation, with spaces, where the caret points.", r"not YAML:|a key is a word"),
    Code("TG003", "nothing in the file", "A spec has at least `kernel`, `tensors` and `compute`.", r"the file is empty"),
    Code("TG004", "a document that is no mapping", "Begin with keys: `kernel: gemm`.", r"a spec is a mapping"),
    Code("TG005", "anchors, aliases or tags", "Write values out, or name sizes under `dims`.", r"anchors and aliases|tags such as"),
    Code("TG006", "nested too deep", "A spec needs no more than a few levels.", r"nested deeper"),
    Code("TG007", "a key twice", "Remove one of them.", r"duplicate key"),
    Code("TG008", "two documents", "Give each kernel a file.", r"one document a file"),
    Code("TG009", "kernels of one name", "All kernels of a command have names that differ in more than case.",
         r"kernel '[^']*' (?:is also that|differs from)"),
    Code("TG010", "an unknown key", "Use the key that is suggested, or one that can stand there.", r"unknown key"),
    Code("TG011", "a key that is missing", "Add it: the schema says what it holds.", r"'[^']*' is missing"),
    Code("TG012", "an unknown word", "Use one of the words that are known.",
         r"unknown (?!key|size|tensor|function)[\w ]+ '"),
    Code("TG013", "a value of another kind", "Give the kind of value that is expected; words need no quotes.", r"[^:]+: expected "),
    Code("TG014", "a number that is too small or too large", "Stay within the bound that is named.",
         r"[^:]+: \S+ is (?:less|more) than"),
    Code("TG015", "nothing in a list or a mapping", "Give at least one.", r"[^:]+: empty; at least one"),
    Code("TG016", "a size that is no name", "A size is a number, or a name of `dims`; arithmetic isn't part of it.",
         r"[^:]+: '[^']*' is not a name"),
    Code("TG020", "a name that can't be one", "Names become identifiers in C++, in CMake and in formulas: choose another one.",
         _NAME + r".* (?:is not a C\+\+|is a keyword|begins with|contains|ends with|is longer|is empty|is a macro|is a name that CMake|"
         r"is the folder|is what the kernel's function|would hide)|'[^']*' is a keyword of Python"),
    Code("TG021", "names that would collide", "Rename one of the tensors: names made from both would be one.", r"tensor name .* makes the name"),
    Code("TG022", "a size that isn't declared", "Declare it under `dims`.", r"unknown size"),
    Code("TG023", "a size that isn't used", "Remove it from `dims`.", r"'[^']*' is not used by any tensor"),
    Code("TG024", "a name of a tensor and of a size", "Rename one.", r"'[^']*' is both a tensor and"),
    Code("TG025", "too many dimensions", "A tensor has at most 8.", r"\d+ dimensions"),
    Code("TG200", "no formula", "Write `name = expression`, as Python does.",
         r"not a formula|the formula is (?:empty|longer)|a formula assigns"),
    Code("TG201", "several formulas in one", "Make `compute` a list, a formula an entry.", r"one formula a line|comments are not part"),
    Code("TG202", "not part of the formula language", "Operators are + - * / and @; functions are listed in the reference.",
         r"this (?:is not|operator)|'\*\*' is not|'!=' is not|a comparison has|only (?:functions|numbers)"),
    Code("TG203", "an unknown function", "Use the function that is suggested, or one of the reference.", r"unknown function"),
    Code("TG204", "wrong operands of a function", "Give as many operands, and those parameters, that the function has.",
         r"\w+ takes \d|\w+ has no parameter|'[^']*' (?:of \w+ is a number|is given twice)|beta and threshold|"
         r"'causal' is [TF]|the keys of attention|'low' of clip|\w+ of \([\d, ]+\) can't have"),
    Code("TG205", "a number that float32 can't have", "Use a normal float32, or scale what it is used with.",
         r"the number is|division by zero"),
    Code("TG206", "a value of numbers only", "Write the number.", r"\w+ of (?:numbers|a number) only|a comparison of numbers only|'[^']*' would be a constant"),
    Code("TG207", "an unknown tensor", "Declare it under `tensors`, or correct its name.", r"unknown tensor"),
    Code("TG208", "a name that is assigned or read out of turn", "Each name is assigned once, before it is read; outputs aren't inputs.",
         r"'[^']*' is (?:assigned twice|read before|both read)"),
    Code("TG209", "something that isn't used", "Remove it, or use it.",
         r"tensor '[^']*' is neither|'[^']*' is assigned and never|no formula assigns to a declared"),
    Code("TG210", "shapes that don't fit", "Shapes follow NumPy's rules: sizes are equal, or 1.",
         r"shapes don't broadcast|contraction sizes differ|the formula's shape|the shape of"),
    Code("TG211", "an operand of @ that is no matrix", "Declare vectors as a row or a column.", r"'@' takes"),
    Code("TG212", "a transposition that can't be", "Only the right operand of @ is transposed, and only a matrix.",
         r"'\.m?T'|the left operand of '@'"),
    Code("TG213", "a formula that nests too deep", "Write a part of it to a tensor.", r"operations nest|parentheses nest|what (?:is reduced|scores are scaled by) needs? more"),
    Code("TG214", "axes that can't be reduced", "Name axes that there are, each once, as -1 or (-1, -2), and keep their places.",
         r"'(?:axis|keepdims)' (?:of|is [eT])|-?\d+ and -?\d+ are the same|axis -?\d+ is there|there is no axis|only first axes|the first axis has|"
         r"\w+ goes along one"),
    Code("TG215", "a mask by place that can't be", "`causal` masks the scores of an attention that have no more rows than columns; or add a mask.",
         r"'causal' (?:goes|of|masks)"),
    Code("TG220", "stages that aren't there", "`stages` names what a stage ends with, and says what is said nowhere else.",
         r"one program computes|nothing is said of|'[^']*' (?:is declared: its|is made by the stage|stays on the chip)|no formula assigns '"),
    Code("TG300", "a block larger than the work", "Use a block of at most as many tiles as there are.", r"block\.\w .*larger than the work"),
    Code("TG301", "blocks that don't end where shards do", "Use one of the sizes that are named.", r"blocks of \d|steps of \d+ tiles? don't end"),
    Code("TG302", "cores that the card hasn't", "Ask for a grid or a number within the card's.", r"\d+ (?:rows of |cols of )?cores; "),
    Code("TG303", "a schedule beside shards that says otherwise", "Shards say which core makes what: leave the policy, panels or cores out.",
         r"policy \w+ conflicts|panels conflict|zigzag conflicts|other cores than"),
    Code("TG304", "cores that have nothing to share", "Sharing needs a contraction and a rectangle of cores.",
         r"cores that share (?:work|keys)|there is no contraction whose|only operands that cores share|keys and values of an attention"),
    Code("TG305", "a rectangle that is none", "Policy `rectangular` takes a grid of cores, and units by rows or columns.",
         r"policy rectangular|\d+ cores make no rectangle"),
    Code("TG306", "more parts of K than there can be", "Use as many parts as are named, or a smaller block.k.", r"\d+ parts of K"),
    Code("TG307", "shards that aren't whole tiles", "Use as many shards as divide the tiles.", r"\d+ (?:rows?|columns?) of tiles for"),
    Code("TG308", "a layout that its tensor can't have", "Use one of the layouts that are named.",
         r"dram_sharded (?:splits|is a layout)|the right operand of @ has no shards|split \w+ cuts"),
    Code("TG309", "padding that isn't what it has to be", "Use a size that is a multiple of a tile or of 16, another dtype, or another form.",
         r"16 neighbours of a row|'@' sums over"),
    Code("TG310", "more than 32 bits count", "Arguments of kernels have 32 bits: use larger blocks, or smaller tensors.", r".*don't fit 32 bits"),
    Code("TG311", "parts that lines can't have", "Use as many parts as are named, units of one line, and policy contiguous or strided.",
         r"\d+ parts of a line|lines in parts|queries whose keys are in parts"),
    Code("TG312", "what is kept where nothing is reduced", "Leave `keep` out: it says what stays of a line between its walks.",
         r"there is no reduction|scores of an attention are never"),
    Code("TG313", "a sum of fewer bits than its numbers have", "Use HiFi3 or HiFi4, and the accumulation that is found without a word.",
         r"\w+ cuts the last bit|what is reduced is in float32"),
    Code("TG320", "a tensor that can't lie on a mesh so", "Name axes that there are, of sizes that devices divide; a mesh is said at the top.",
         r"'[^']*' is on one device|a part of a tensor is said|'shard' goes over|no axis -?\d+ to cut|\d+ of '[^']*' doesn't divide"),
    Code("TG321", "parts that don't fit together", "Cut the tensor that is named as it is said, or leave those that it meets whole.",
         r"'[^']*' (?:takes|contracts) .*no device has|the value of '[^']*' lies on devices"),
    Code("TG322", "what no collective makes", "Only sums go over devices: cut another axis of what is reduced or masked.",
         r"'\w+' goes along what is cut|devices have parts of the rows"),
    Code("TG323", "a tensor that devices can't exchange", "ttnn exchanges whole tiles of interleaved tensors of two dimensions and more, in one dtype.",
         r"devices (?:exchange|sum)|ttnn's \w+ (?:gathers|sums)|'[^']*' is what devices get"),
    Code("TG400", "more L1 than there is", "Make one of the changes that are named: each fits.", r"L1: "),
    Code("TG401", "too many circular buffers", "Split the formula into several specs.", r"\d+ \w+ buffers; "),
    Code("TG402", "kernels that don't fit a core", "Cut the formulas into several specs.", r"the kernels' code"),
    Code("TG403", "more device memory than there is", "Use a narrower dtype, smaller tensors, or a larger card.", r"the tensors take"),
    Code("TG410", "a budget that isn't met", "Make one of the changes that are named, or raise the budget.", r".*; the budget is at "),
    Code("TG500", "files that were edited by hand", "Change the spec instead, and render it again."),
    Code("TG501", "files of an earlier spec", "Render the spec again."),
    Code("TG502", "files of another ttgen", "Render the spec again, and read what changed with `ttgen diff`."),
    Code("TG503", "files that aren't what their spec says", "Render the spec again; what was edited by hand is lost."),
    Code("TG504", "files that were left over", "Render the folder of specs: what no spec makes is removed."),
    Code("TG600", "a different formula", "Is it meant? An input that shows the difference is named."),
    Code("TG601", "values that aren't known", "Render files that were edited by hand again; correct an old spec that can't be planned."),
    Code("TG602", "another interface", "Change who uses the kernel along with it."),
    Code("TG603", "rounding that may differ", "Compare the bounds, and the tolerance of who uses the kernel."),
    Code("TG604", "the same values", "Nothing is to be done; compare costs."),
    Code("TG605", "a new kernel", "There is nothing to compare with."),
    Code("TG606", "a kernel that was removed", "Who uses it has to go on without it."),
    Code("TG607", "a gate that isn't passed", "Change the spec, or let the gate allow it."),
    Code("TG700", "a program that isn't right", "Verification found an error in what was rendered: report it with the spec."),
    Code("TG701", "outputs that couldn't be judged", "Rounding may be as large as the values: use more precision, or other inputs."),
    Code("TG702", "something worth knowing", "Nothing is wrong."),
    Code("TG900", "a file that can't be read or written", "The message has the reason of the system."),
)  # fmt: skip
"""All kinds, by code."""

OTHER: Final = "TG900"
"""Of what has no kind of its own: files, tools and options."""


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(found.pattern), found.code) for found in CODES if found.pattern)


def matching(message: str) -> tuple[str, ...]:
    """The codes of all kinds that a problem's message may be of: one."""
    return tuple(code for pattern, code in _patterns() if pattern.match(message))


def code_of(message: str) -> str:
    """The code of a problem, from its message."""
    return next(iter(matching(message)), OTHER)
