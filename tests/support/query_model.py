# SPDX-License-Identifier: Apache-2.0
"""What a query means, a second time: an evaluator that shares nothing with the program, and says each rule of
docs/apis/datasnap.md 7.1 in the plainest way. It is slow, and its input is a tree and no text, so it knows no syntax.

Values   None; str for texts; bool; int for integers; Fraction for decimals; float; dates as date, times as datetime
Columns  (name, type); types are those of `meta`: String, Int8 … UInt64, Float64, Decimal(18, 6), Bool, Date, DateTime, DateTime64(6)
Query    a dict: items, where, groups, orders, limit, offset. An expression is (function, column, argument), where `col` is the
         column itself; an item (aggregate or None, expression or None, name); a condition (expression, op, value or list);
         an order ("item", position, descending) or ("expr", expression, descending)
"""
import datetime
import functools
import math
import re
from fractions import Fraction


class Overflow(Exception):
    """A value does not fit the type of its result."""


DECIMAL, DECIMAL_SUM = "Decimal(18, 6)", "Decimal(38, 6)"
TEXT_FUNCTIONS = ("lower", "upper", "length", "trim")
NUMBER_FUNCTIONS = ("abs", "floor", "ceil", "round")
TIME_TYPES = {"toDate": "Date", "toYear": "UInt16", "toMonth": "UInt8", "toDayOfMonth": "UInt8", "toHour": "UInt8",
              "toYYYYMM": "UInt32", "toStartOfDay": "DateTime", "toStartOfMonth": "Date"}


def is_integer(kind):
    return re.fullmatch(r"U?Int\d+", kind) is not None


def is_number(kind):
    return is_integer(kind) or kind in ("Float64", DECIMAL)


def range_of(kind):
    bits = int(re.search(r"\d+", kind).group())
    return (0, 2 ** bits - 1) if kind[0] == "U" else (-2 ** (bits - 1), 2 ** (bits - 1) - 1)


def fit(kind, value):
    """The value, if the type can hold it."""
    if value is None:
        return None
    if is_integer(kind):
        low, high = range_of(kind)
        right = low <= value <= high
    elif kind in (DECIMAL, DECIMAL_SUM):
        right = abs(value) < 10 ** (12 if kind == DECIMAL else 32)
    elif kind == "Float64":
        right = math.isfinite(value)
    else:
        right = True
    if not right:
        raise Overflow
    return value


def type_of(expr, columns):
    function, column, _ = expr
    kind = columns[column][1]
    if function == "length":
        return "UInt64"
    return "String" if function in TEXT_FUNCTIONS else TIME_TYPES.get(function, kind)


def type_of_item(item, columns):
    aggregate, expr, _ = item
    if aggregate in ("count", "uniq"):
        return "UInt64"
    kind = type_of(expr, columns)
    if aggregate == "avg":
        return "Float64"
    if aggregate == "sum":
        if is_integer(kind):
            return "UInt64" if kind[0] == "U" else "Int64"
        return DECIMAL_SUM if kind == DECIMAL else kind
    return kind


def ascii_case(text, first, last, other):
    return "".join(chr(ord(c) - ord(first) + ord(other)) if first <= c <= last else c for c in text)


def of_text(function, text):
    if function == "lower":
        return ascii_case(text, "A", "Z", "a")
    if function == "upper":
        return ascii_case(text, "a", "z", "A")
    return len(text) if function == "length" else text.strip(" ")


def of_number(function, value, digits):
    if isinstance(value, float):
        if function == "round":
            scaled = value * 10.0 ** digits
            return float(round(scaled)) / 10.0 ** digits
        return {"abs": abs, "floor": lambda v: float(math.floor(v)), "ceil": lambda v: float(math.ceil(v))}[function](value)
    if function == "round":
        return Fraction(round(value * 10 ** digits), 10 ** digits) if isinstance(value, Fraction) else value
    result = {"abs": abs, "floor": math.floor, "ceil": math.ceil}[function](value)
    return Fraction(result) if isinstance(value, Fraction) else result


def of_time(function, value):
    day = value.date() if isinstance(value, datetime.datetime) else value
    return {"toDate": lambda: day, "toYear": lambda: day.year, "toMonth": lambda: day.month, "toDayOfMonth": lambda: day.day,
            "toHour": lambda: value.hour if isinstance(value, datetime.datetime) else 0,
            "toYYYYMM": lambda: day.year * 100 + day.month,
            "toStartOfDay": lambda: datetime.datetime(day.year, day.month, day.day),
            "toStartOfMonth": lambda: day.replace(day=1)}[function]()


def value_of(expr, row, columns):
    function, column, argument = expr
    value = row[column]
    if function == "col":
        return value
    if function == "coalesce":
        return argument if value is None else value
    if value is None:
        return None
    if function in TEXT_FUNCTIONS:
        return of_text(function, value)
    if function in NUMBER_FUNCTIONS:
        return fit(columns[column][1], of_number(function, value, argument))
    return of_time(function, value)


def key_of(value):
    """Something by which values of one type are compared: texts by their bytes."""
    return value.encode() if isinstance(value, str) else value


def is_like(text, pattern):
    parts, i = [], 0
    while i < len(pattern):
        if pattern[i] == "\\":
            i += 1
            parts.append(re.escape(pattern[i]))
        else:
            parts.append({"%": ".*", "_": "."}.get(pattern[i]) or re.escape(pattern[i]))
        i += 1
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def holds(condition, row, columns):
    expr, op, wanted = condition
    value = value_of(expr, row, columns)
    if op in ("is null", "is not null"):
        return (value is None) == (op == "is null")
    if value is None:
        return False
    if op in ("like", "not like"):
        return is_like(value, wanted) == (op == "like")
    found = key_of(value)
    if op in ("in", "not in"):
        return (found in [key_of(w) for w in wanted]) == (op == "in")
    if op == "between":
        return key_of(wanted[0]) <= found <= key_of(wanted[1])
    other = key_of(wanted)
    return {"=": found == other, "!=": found != other, "<": found < other, ">": found > other, "<=": found <= other,
            ">=": found >= other}[op]


def aggregate_of(item, rows, columns):
    aggregate, expr, _ = item
    if expr is None:
        return len(rows)
    values = [v for v in (value_of(expr, row, columns) for row in rows) if v is not None]
    if aggregate == "count":
        return len(values)
    if aggregate == "uniq":
        return len({key_of(v) for v in values})
    if not values:
        return None
    if aggregate == "any":
        return values[0]
    if aggregate in ("min", "max"):
        return {"min": min, "max": max}[aggregate](values, key=key_of)
    total = math.fsum(values) if isinstance(values[0], float) else sum(values)
    if aggregate == "avg":
        return fit("Float64", float(total / len(values)) if isinstance(total, float) else float(Fraction(total) / len(values)))
    return fit(type_of_item(item, columns), total)


def compare(x, y, descending):
    if x is None or y is None:
        return (x is None) - (y is None)
    x, y = key_of(x), key_of(y)
    order = (x > y) - (x < y)
    return -order if descending else order


def sort(entries, keys):
    """entries: (list of keys, result), in the order that decides between equals. keys: descending, for each."""
    def order(a, b):
        for x, y, descending in zip(a[0], b[0], keys):
            found = compare(x, y, descending)
            if found:
                return found
        return 0
    return sorted(entries, key=functools.cmp_to_key(order))


def is_grouped(query):
    return bool(query["groups"]) or any(item[0] for item in query["items"])


def group_rows(query, rows, columns):
    """The groups as (values of the group expressions, rows), ascending."""
    if not query["groups"]:
        return [([], rows)]
    entries = sort([([value_of(g, row, columns) for g in query["groups"]], row) for row in rows], [False] * len(query["groups"]))
    groups = []
    for keys, row in entries:
        if not groups or any(compare(x, y, False) for x, y in zip(groups[-1][0], keys)):
            groups.append((keys, []))
        groups[-1][1].append(row)
    return groups


def answer(query, rows, columns):
    """All rows of the result, without limit and offset, as lists of values. Raises Overflow."""
    chosen = [row for row in rows if all([holds(c, row, columns) for c in query["where"]])]
    grouped = is_grouped(query)
    sets = group_rows(query, chosen, columns) if grouped else [(None, [row]) for row in chosen]
    entries = []
    for keys, members in sets:
        result = [aggregate_of(item, members, columns) if item[0] else value_of(item[1], members[0], columns)
                  for item in query["items"]]
        order = []
        for kind, what, _ in query["orders"]:
            if kind == "item":
                order.append(result[what])
            elif grouped:
                order.append(keys[query["groups"].index(what)])
            else:
                order.append(value_of(what, members[0], columns))
        entries.append((order, result))
    return [result for _, result in sort(entries, [descending for _, _, descending in query["orders"]])]


def wrong_items(query):
    """The positions of the items that the rules about groups refuse."""
    if not is_grouped(query):
        return []
    return [i for i, (aggregate, expr, _) in enumerate(query["items"]) if not aggregate and expr not in query["groups"]]
