"""`--where "test_accuracy > 0.98 and name != dnn"` → a yes or no for each row. Nothing is ever evaluated.

condition   = term {"or" term}
term        = factor {"and" factor}
factor      = "not" factor | "(" condition ")" | comparison
comparison  = KEY ("=" | "==" | "!=" | "<" | "<=" | ">" | ">=") VALUE
KEY         = one of a row (test_accuracy), or of the config (training.epochs)
VALUE       = number | number "%" | 'text' | "text" | word | true | false | null | [VALUE, ...]
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from cnnlab.errors import UserError, suggestion
from cnnlab.language.source import MAX_DEPTH, parse_value
from cnnlab.run_folders.listing.settings import A_SETTING, is_setting

_Test = Callable[[Mapping[str, Any]], bool]


class Condition(NamedTuple):
    """What a row must meet, and the keys that it is asked for."""

    met_by: _Test
    keys: frozenset[str]


LONGEST_SHOWN = 200
"""Letters of a condition that a message repeats."""

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?%?)(?![\w.:-])
      | (?P<text>'[^']*'|"[^"]*")
      | (?P<sign><=|>=|==|!=|<|>|=|\(|\))
      | (?P<list>\[(?:[^\[\]]|\[[^\[\]]*\])*\])
      | (?P<word>[\w.:/*+-]+(?:\[-?\d+\][\w.:/*+-]*)*)
    )""",
    re.VERBOSE,
)


def parse_condition(text: str, keys: Collection[str]) -> Condition:
    """Read a condition on rows that have these keys, and any setting that it names.

    A row that lacks a key (its value is None) meets no comparison with it but `= null`. Text is compared
    letter by letter, so dates as "2026-11-21" come in order. As in a config, 3 is short for [3, 3] and
    [[3, 3], [3, 3]], and adam for {name: adam}.

    Raises:
        UserError: where the condition is wrong, and what was expected there.
    """
    parser = _Parser(text, keys)
    condition = parser.condition()
    if parser.token is not None:
        raise parser.error("expected 'and', 'or' or the end")
    return Condition(condition, frozenset(parser.named))


class _Parser:
    def __init__(self, text: str, keys: Collection[str]) -> None:
        self.text, self.keys = text, keys
        self.named: list[str] = []
        self.depth = 0
        self.position = 0  # behind the current token
        self.start = 0
        self.kind = ""
        self.token: str | None = None
        self.advance()

    def advance(self) -> None:
        """Go on to the next token; None at the end."""
        rest = self.text[self.position :]
        self.start = self.position + len(rest) - len(rest.lstrip())
        if not rest.strip():
            self.kind, self.token = "", None
            return
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            self.token = self.text[self.start]
            raise self.error("expected a key, a value or a comparison")
        self.kind = str(match.lastgroup)
        self.token = match[self.kind]
        if self.kind == "word" and self.token.lower() in ("and", "or", "not"):
            self.token = self.token.lower()
        self.position = match.end()

    def error(self, expected: str) -> UserError:
        found = "the end" if self.token is None else repr(self.token)
        shown = self.text if len(self.text) <= LONGEST_SHOWN else f"{self.text[:LONGEST_SHOWN]}…"
        return UserError(f"--where {shown}: column {self.start + 1}: {expected}, found {found}")

    def condition(self) -> _Test:
        terms = [self.term()]
        while self.token == "or":
            self.advance()
            terms.append(self.term())
        return terms[0] if len(terms) == 1 else lambda row: any(term(row) for term in terms)

    def term(self) -> _Test:
        factors = [self.factor()]
        while self.token == "and":
            self.advance()
            factors.append(self.factor())
        return factors[0] if len(factors) == 1 else lambda row: all(factor(row) for factor in factors)

    def factor(self) -> _Test:
        if self.token not in ("not", "("):
            return self.comparison()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"expected at most {MAX_DEPTH} 'not' and brackets in one another")
        inner = self.negated() if self.token == "not" else self.bracketed()
        self.depth -= 1
        return inner

    def negated(self) -> _Test:
        self.advance()
        inner = self.factor()
        return lambda row: not inner(row)

    def bracketed(self) -> _Test:
        self.advance()
        inner = self.condition()
        if self.token != ")":
            raise self.error("expected )")
        self.advance()
        return inner

    def comparison(self) -> _Test:
        key = self.token
        if self.kind != "word" or key is None:
            raise self.error("expected a key such as test_accuracy")
        if key not in self.keys and not is_setting(key):
            raise self.error(f"unknown key; {suggestion(key, [*self.keys, A_SETTING])}")
        self.named.append(key)
        self.advance()
        sign = self.token
        if self.kind != "sign" or sign in ("(", ")") or sign is None:
            raise self.error(f"expected =, !=, <, <=, > or >= after {key}")
        self.advance()
        if self.token is None or self.kind == "sign":
            raise self.error(f"expected a value after {sign}")
        value = _value(self.kind, self.token)
        if key.endswith("_accuracy") and isinstance(value, float) and value > 1:
            raise self.error("expected a share, such as 0.98 or 98%")
        self.advance()
        return _compare(key, sign, value)


def _value(kind: str, token: str) -> Any:
    if kind == "number":
        number = float(token.rstrip("%").replace("_", ""))
        return number / 100 if token.endswith("%") else number
    if kind == "text":
        return token[1:-1]
    if kind == "list":
        return parse_value(token, f"--where {token}").plain()
    return {"null": None, "none": None, "true": True, "false": False}.get(token.lower(), token)


def _compare(key: str, sign: str, value: Any) -> _Test:
    if sign in ("=", "=="):
        return lambda row: _same(row[key], value)
    if sign == "!=":
        return lambda row: row[key] is not None and not _same(row[key], value)
    compare = _ORDER[sign]
    return lambda row: _ordered(row[key], value) and compare(row[key], value)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, Mapping):
        left = left.get("name", left)
    if isinstance(left, list) and not isinstance(right, list):
        return bool(left) and all(_same(each, right) for each in left)
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _ordered(left: Any, right: Any) -> bool:
    """Whether two values can be told apart as less and more: both numbers, or both text."""
    return all(isinstance(each, int | float) for each in (left, right)) or all(
        isinstance(each, str) for each in (left, right)
    )
