"""The mutants of a module: each is one small change of its code, as text."""

from __future__ import annotations

import ast
import hashlib
from copy import deepcopy
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
}
OPPOSITES = {"min": "max", "max": "min", "any": "all", "all": "any"}
NO_LOCK = "__import__('contextlib').nullcontext()"
OPERATORS = (
    "comparison",
    "condition",
    "constant",
    "arithmetic",
    "keyword",
    "await",
    "statement",
    "with",
    "except",
)


@frozen(kw_only=True)
class Mutant:
    """One change of the code of a module."""

    path: Path
    module: str
    function: str
    """The qualified name of the function; empty for the body of the module."""
    line: int
    operator: str
    original: str
    """The original line."""
    mutated: str
    """The line in the mutant."""
    start: int
    end: int
    replacement: bytes
    number: int = 0
    """The number of the change among equal changes of equal lines of a function."""

    @property
    def identity(self) -> str:
        """Return the name of the mutant; it stays the same if the line moves."""
        return "|".join((self.module, self.function, self.original, self.mutated, str(self.number)))

    def source(self) -> bytes:
        """Return the code of the module with the change."""
        text = self.path.read_bytes()
        return text[: self.start] + self.replacement + text[self.end :]

    def compiles(self) -> bool:
        """Return whether it can be compiled."""
        try:
            compile(self.source(), self.module, "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return False
        return True

    def rank(self, seed: str) -> str:
        """Return its position in a sample with a seed; independent of other lines of the module."""
        return hashlib.sha256(f"{seed}|{self.identity}".encode()).hexdigest()


Change = tuple[str, ast.expr | ast.stmt | ast.keyword, str]


def mutants(path: Path, module: str) -> list[Mutant]:
    """Return all mutants of a module, in the order of their lines; a few cannot be compiled."""
    text = path.read_bytes()
    offsets = [0]
    for row in text.split(b"\n"):
        offsets.append(offsets[-1] + len(row) + 1)
    seen: dict[str, int] = {}
    result: list[Mutant] = []
    for function, (operator, node, replacement) in _changes(ast.parse(text), ""):
        start = offsets[node.lineno - 1] + node.col_offset
        end = offsets[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        if operator == "keyword":
            end = _past_comma(text, end)
        new = replacement.encode()
        original = _lines(text, start, end)
        mutated = _lines(text[:start] + new + text[end:], start, start + len(new))
        if mutated == original:
            continue
        key = f"{function}|{original}|{mutated}"
        seen[key] = number = seen.get(key, -1) + 1
        result.append(
            Mutant(
                path=path,
                module=module,
                function=function,
                line=node.lineno,
                operator=operator,
                original=original,
                mutated=mutated,
                start=start,
                end=end,
                replacement=new,
                number=number,
            )
        )
    return sorted(result, key=lambda mutant: (mutant.line, mutant.start, mutant.end))


def functions(text: bytes) -> dict[int, str]:
    """Return the qualified name of the function of each line."""
    names: dict[int, str] = {}

    def visit(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{name}.{child.name}".lstrip(".")
                lines = range(child.lineno, (child.end_lineno or child.lineno) + 1)
                names.update(dict.fromkeys(lines, inner))
                visit(child, inner)
            else:
                visit(child, name)

    visit(ast.parse(text), "")
    return names


def _lines(text: bytes, start: int, end: int) -> str:
    """Return the complete lines of a node, on one line."""
    first = text.rfind(b"\n", 0, start) + 1
    last = text.find(b"\n", end)
    return " ".join(text[first : last if last >= 0 else None].decode().split())


def _past_comma(text: bytes, end: int) -> int:
    rest = text[end:].lstrip()
    return len(text) - len(rest) + 1 if rest.startswith(b",") else end


def _changes(node: ast.AST, function: str) -> Iterator[tuple[str, Change]]:
    for field, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        for child in children:
            if not isinstance(child, ast.AST) or _is_left_out(node, field, child):
                continue
            inner = function
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{function}.{child.name}".lstrip(".")
            for change in _of(child, node):
                yield inner, change
            yield from _changes(child, inner)


def _is_left_out(node: ast.AST, field: str, child: ast.AST) -> bool:
    """Return whether a node is not mutated: annotations, docstrings, type decorators, and code for type checkers."""
    if field in {"annotation", "returns", "type_params"} or isinstance(child, ast.JoinedStr):
        return True
    if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
        return True
    documentation = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
    call = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
    return documentation or call in {"cast", "TypeVar"}


def _of(node: ast.AST, parent: ast.AST) -> Iterator[Change]:
    """Yield the changes of a node."""
    if isinstance(node, ast.expr):
        yield from _of_expression(node, parent)
    elif isinstance(node, ast.stmt):
        yield from _of_statement(node)
    elif isinstance(node, ast.keyword):
        if node.arg is not None and isinstance(parent, ast.Call):
            yield "keyword", node, ""
    elif isinstance(node, ast.withitem):
        if node.optional_vars is None:
            yield "with", node.context_expr, NO_LOCK
    elif isinstance(node, ast.ExceptHandler):
        if node.type is not None:
            yield "except", node.type, "BaseException"
        if isinstance(node.type, ast.Tuple):
            for item in node.type.elts:
                rest = [name for name in node.type.elts if name is not item]
                yield "except", node.type, f"({', '.join(map(ast.unparse, rest))},)"
    elif isinstance(node, ast.comprehension):
        for test in node.ifs:
            yield "condition", test, "True"


def _of_expression(node: ast.expr, parent: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        for number, operator in enumerate(node.ops):
            changed = deepcopy(node)
            changed.ops[number] = COMPARISONS[type(operator)]()
            yield "comparison", node, f"({ast.unparse(changed)})"
    elif isinstance(node, ast.BoolOp):
        yield from _of_conditions(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "condition", node, f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.IfExp):
        if not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):
            yield "condition", node.test, f"(not {ast.unparse(node.test)})"
    elif isinstance(node, ast.Constant):
        yield from _of_constant(node)
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        changed_sum = ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)
        if not any(
            isinstance(side, ast.Constant) and isinstance(side.value, str)
            for side in (node.left, node.right)
        ):
            yield "arithmetic", node, f"({ast.unparse(changed_sum)})"
    elif isinstance(node, ast.Await):
        yield "await", node, f"({ast.unparse(node.value)})"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in OPPOSITES:
            yield "arithmetic", node.func, OPPOSITES[node.func.id]
    elif isinstance(node, ast.YieldFrom) and isinstance(parent, ast.Expr):
        yield "statement", node, "None"


def _of_conditions(node: ast.BoolOp) -> Iterator[Change]:
    other: Callable[[], ast.boolop] = ast.Or if isinstance(node.op, ast.And) else ast.And
    yield "condition", node, f"({ast.unparse(ast.BoolOp(other(), node.values))})"
    for item in node.values:
        rest = [value for value in node.values if value is not item]
        yield (
            "condition",
            node,
            f"({ast.unparse(ast.BoolOp(node.op, rest)) if rest[1:] else ast.unparse(rest[0])})",
        )


def _of_constant(node: ast.Constant) -> Iterator[Change]:
    if isinstance(node.value, bool):
        yield "constant", node, str(not node.value)
    elif isinstance(node.value, int | float):
        yield "constant", node, str(node.value + 1)
        yield "constant", node, f"({node.value - 1})"


def _of_statement(node: ast.stmt) -> Iterator[Change]:
    dropped = (
        isinstance(node, ast.Raise | ast.AugAssign | ast.Delete | ast.Assert)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await | ast.Yield))
        or (isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name | ast.Tuple))
    )
    if dropped or isinstance(node, ast.Continue):
        yield "statement", node, "pass"
    elif isinstance(node, ast.If | ast.While) and not isinstance(
        node.test, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Constant
    ):
        yield "condition", node.test, f"(not {ast.unparse(node.test)})"
