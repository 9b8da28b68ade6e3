# SPDX-License-Identifier: Apache-2.0
"""Random schemas, rows and queries: what the program replies is what tests/support/query_model.py says. The queries are spelled in
every way that the grammar permits, asked in every format, and read page by page while rows are added."""
import base64
import datetime
import json
import os
import random
import subprocess
import sys
from fractions import Fraction

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import query_model as model  # noqa: E402
import rounds  # noqa: E402

DECLARED = {"String": ["string", "text"], "json": ["json"], "Bool": ["boolean", "bool"], "Int64": ["integer", "int", "Int64"],
            "Float64": ["float", "double", "number"], model.DECIMAL: ["decimal"], "Date": ["date"], "DateTime": ["datetime"],
            "DateTime64(6)": ["datetime64"]}
DECLARED |= {kind: [kind] for kind in ("Int8", "Int16", "Int32", "UInt8", "UInt16", "UInt32", "UInt64")}
NAMES = ["id", "cidade", "Cidade", "count", "distinct", "as", "select", "sum", "lower", "_", "x1", "data_venda", "null", "N" * 63]
TEXTS = ["", " ", "a", "A", "b", "Recife", "recife ", " Olinda", "d'água", 'x"y', "`", "%", "_", "\\", "50%", "a_b", "São Luís", "é",
         "\U0001f600", "Z", "{}", "1", "'; DROP TABLE t; --", "a\nb", "\t", "\x01", "ÀÉ", "null", "x" * 300]
FORMATS = [None, "json", "json_compact", "json_compact_strings", "jsonl"]
COMPACT = {"ensure_ascii": False, "separators": (",", ":")}


class Raw(str):
    """A text that stands in JSON as it is."""


def to_json(value):
    """json.dumps, but for Raw."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(to_json, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k, **COMPACT)}:{to_json(v)}" for k, v in value.items()) + "}"
    return json.dumps(value, **COMPACT)


class Driver:
    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def tell(self, word, text=""):
        assert "\n" not in text
        self.process.stdin.write(f"{word} {text}\n".encode())

    def ask(self, body):
        self.tell("query", to_json(body))
        self.process.stdin.flush()
        words = self.process.stdout.readline().decode().split()
        if words[0] == "failed":
            return words[0], " ".join(words[1:]), None
        text = self.process.stdout.read(int(words[1])).decode()
        assert self.process.stdout.read(1) == b"\n"
        return words[0], text, words[2] if len(words) > 2 else None

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0


@pytest.fixture(params=["mem", "duckdb"])
def driver(request, cais, tmp_path):
    """The program that answers queries, with a store of each kind."""
    path = os.path.join(os.path.dirname(cais), "tests", "support", "query-driver")
    command = [path, request.param] + ([str(tmp_path / "datasets")] if request.param == "duckdb" else [])
    if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 77:
        pytest.skip("built without DuckDB")
    d = Driver(*command)
    d.tables = rounds.rounds("query_tables" if request.param == "mem" else "query_tables_in_duckdb")
    yield d
    d.close()


# ---- rows ----

def random_number(r, kind):
    if kind == "Float64": # with few bits, so that sums are exact in any order
        return r.choice([0.0, 1.0, -0.125, 27.5, r.randint(-10 ** 6, 10 ** 6) / 8])
    if kind == model.DECIMAL:
        near = Fraction(10 ** 18 - r.randint(1, 3), 10 ** 6)
        return r.choice([Fraction(0), Fraction(1, 10), Fraction(1, 5), Fraction(5, 2), Fraction(-7, 2), Fraction(-1, 10 ** 6),
                         Fraction(r.randint(-10 ** 9, 10 ** 9), 10 ** r.randint(0, 6)), near if r.random() < 0.1 else Fraction(3)])
    low, high = model.range_of(kind)
    return r.choice([0, 1, 2, low, high, r.randint(low, high), r.randint(0, 9), r.randint(0, 9)] if r.random() < 0.3 else [0, 1, 2, 3])


def random_value(r, kind):
    if kind == "String":
        return r.choice(TEXTS)
    if kind == "json":
        return json.dumps(r.choice([{}, [], [1, 2], {"a": "d'água"}, 1, "x", True]), **COMPACT)
    if kind == "Bool":
        return r.random() < 0.5
    if model.is_number(kind):
        return random_number(r, kind)
    day = r.choice([datetime.date(1970, 1, 1), datetime.date(2024, 2, 29), datetime.date(1, 1, 1), datetime.date(9999, 12, 31),
                    datetime.date(1969, 12, 31), datetime.date.fromordinal(r.randint(735000, 740000))])
    if kind == "Date":
        return day
    time = r.choice([datetime.time(), datetime.time(23, 59, 59), datetime.time(r.randint(0, 23), r.randint(0, 59), 7)])
    if kind == "DateTime64(6)":
        time = time.replace(microsecond=r.choice([0, 1, 999999, 500000]))
    return datetime.datetime.combine(day, time)


def text_of(value):
    """A value as the program writes it, apart from floats; as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Fraction):
        units = int(abs(value) * 10 ** 6)
        text = f"{units // 10 ** 6}.{units % 10 ** 6:06}".rstrip("0").rstrip(".")
        return ("-" if value < 0 else "") + text
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ", "seconds")
    return value.isoformat() if isinstance(value, datetime.date) else repr(value) if isinstance(value, float) else str(value)


def full_text_of(value, kind):
    text = text_of(value)
    return text + f".{value.microsecond:06}" if kind == "DateTime64(6)" else text


def spell_value(r, value, kind):
    """A value as JSON, in one of the ways that its type accepts; Raw where Python's json would lose digits."""
    if kind in ("String", "json") or value is None:
        return value
    if kind == "Bool":
        return r.choice([value, int(value), text_of(value), str(int(value))])
    if model.is_number(kind):
        text = text_of(value)
        if model.is_integer(kind) and r.random() < 0.2:
            text += r.choice([".0", "e0", ".000E+00"])
        return r.choice([Raw(text), Raw(text), text])
    text = full_text_of(value, kind)
    if isinstance(value, datetime.datetime):
        text = text.replace(" ", r.choice(" T")) + r.choice(["", "Z", "+00:00"])
    return text


def row_line(r, row, columns):
    members = []
    for value, (name, kind) in zip(row, columns):
        if value is None and r.random() < 0.5:
            continue
        spelled = Raw(value) if kind == "json" and value is not None else spell_value(r, value, kind)
        members.append((name, spelled))
    r.shuffle(members)
    return to_json(dict(members))


# ---- queries ----

def random_case(r, word):
    return "".join(r.choice([c.lower(), c.upper()]) for c in word) if r.random() < 0.5 else word


def blank(r):
    return r.choice(["", "", "", " ", "  ", "\t"])


def column_kinds(columns, wanted):
    return [i for i, (_, kind) in enumerate(columns) if wanted("String" if kind == "json" else kind)]


def random_expr(r, columns, plain=0.5):
    if r.random() < plain:
        return ("col", r.randrange(len(columns)), None)
    function = r.choice([*model.TEXT_FUNCTIONS, *model.NUMBER_FUNCTIONS, *model.TIME_TYPES, "coalesce", "coalesce"])
    wanted = {"coalesce": lambda kind: True} | {f: lambda kind: kind == "String" for f in model.TEXT_FUNCTIONS} \
        | {f: model.is_number for f in model.NUMBER_FUNCTIONS} | {f: lambda kind: "Date" in kind for f in model.TIME_TYPES}
    fitting = column_kinds(columns, wanted[function])
    if not fitting:
        return ("col", r.randrange(len(columns)), None)
    column = r.choice(fitting)
    kind = columns[column][1]
    argument = None
    if function == "coalesce":
        argument = random_value(r, kind)
    elif function == "round":
        argument = r.choice([0, 0, 1, 2, 6])
    return (function, column, argument)


def spell_column(r, name):
    return r.choice([name, f"`{name}`", f'"{name}"'])


def spell_literal(r, value, kind):
    if model.is_number(kind) and r.random() < 0.7:
        return text_of(value)
    return "'" + (value if isinstance(value, str) else full_text_of(value, kind)).replace("'", "''") + "'"


def spell_expr(r, expr, columns):
    function, column, argument = expr
    name, kind = columns[column]
    text = spell_column(r, name)
    if function == "col":
        return text
    if function == "coalesce":
        text += f"{blank(r)},{blank(r)}{spell_literal(r, argument, kind)}"
    elif function == "round" and (argument or r.random() < 0.5):
        text += f",{blank(r)}{argument}"
    return f"{random_case(r, function)}{blank(r)}({blank(r)}{text}{blank(r)})"


def random_item(r, columns, grouped):
    aggregate = r.choice(["count", "count", "uniq", "sum", "avg", "min", "max", "any"]) if grouped else None
    if aggregate is None:
        return None, random_expr(r, columns)
    if aggregate == "count" and r.random() < 0.4:
        return aggregate, None
    fitting = column_kinds(columns, model.is_number) if aggregate in ("sum", "avg") else range(len(columns))
    return (aggregate, ("col", r.choice(fitting), None)) if fitting else ("count", None)


def spell_item(r, item, columns):
    aggregate, expr = item
    if aggregate is None:
        return spell_expr(r, expr, columns)
    if expr is None:
        return random_case(r, "count") + blank(r) + "(" + blank(r) + r.choice(["*", ""]) + blank(r) + ")"
    text = spell_column(r, columns[expr[1]][0])
    if aggregate == "uniq" and r.random() < 0.5:
        return f"{random_case(r, 'count')}({random_case(r, 'distinct')} {text})"
    return f"{random_case(r, aggregate)}{blank(r)}({blank(r)}{text}{blank(r)})"


def random_condition(r, columns):
    expr = random_expr(r, columns, 0.7)
    kind = columns[expr[1]][1] if expr[0] in ("col", "coalesce", *model.NUMBER_FUNCTIONS) else model.type_of(expr, columns)
    ops = ["=", "!=", ">", "<", ">=", "<=", "in", "not in", "between", "is null", "is not null"]
    if kind in ("String", "json"):
        ops += ["like", "not like"] * 2
    op = r.choice(ops)
    if op in ("is null", "is not null"):
        return expr, op, None, kind
    if op in ("like", "not like"):
        pattern = "".join(r.choice(["%", "_", "a", "e", "\\%", "\\_", "\\\\", "é", "'", "R", "ecife", "\\a"]) for _ in range(r.randint(0, 4)))
        return expr, op, pattern, kind
    if op in ("in", "not in"):
        return expr, op, [random_value(r, kind) for _ in range(r.randint(1, 5))], kind
    if op == "between":
        return expr, op, sorted([random_value(r, kind) for _ in range(2)], key=model.key_of), kind
    return expr, op, random_value(r, kind), kind


def spell_condition(r, condition, columns):
    expr, op, value, kind = condition
    spelled = {"field": spell_expr(r, expr, columns), "op": random_case(r, op)}
    if isinstance(value, list):
        spelled["value"] = [spell_value(r, v, kind) for v in value]
    elif op in ("is null", "is not null"):
        spelled |= r.choice([{}, {"value": None}, {"value": [1]}])
    else:
        spelled["value"] = value if "like" in op else spell_value(r, value, kind)
    return dict(r.sample(list(spelled.items()), len(spelled)))


def random_items(r, columns, groups, grouped):
    """The items, each with its text in `select`; names of results differ."""
    items, texts = [], []
    for _ in range(r.randint(1, 6)):
        aggregate, expr = random_item(r, columns, grouped and r.random() < 0.7)
        if aggregate is None and grouped and groups and r.random() < 0.97:
            expr = r.choice(groups)
        text = spell_item(r, (aggregate, expr), columns)
        name = text
        if r.random() < 0.5:
            name = r.choice(["total", "n", "AS", "x_1", "cidade", columns[0][0]]) + r.choice(["", "", "2"])
            text += " " + random_case(r, "as " if name.lower() == "as" else r.choice(["as ", ""])) + name
        if name not in [n for _, _, n in items]:
            items.append((aggregate, expr, name))
            texts.append(text)
    return items, texts


def random_orders(r, query, columns):
    orders, spelled = [], []
    names = [name for _, _, name in query["items"]]
    for _ in range(r.choice([0, 0, 1, 1, 2, 3])):
        descending = r.random() < 0.5
        plain = [g for g in query["groups"] if g[0] == "col"] if model.is_grouped(query) else [("col", i, None) for i in range(len(columns))]
        if r.random() < 0.5 or not plain:
            which = r.randrange(len(names))
            orders.append(("item", which, descending))
            field = names[which]
        else:
            expr = r.choice(plain)
            field = spell_expr(r, expr, columns)
            orders.append(("item", names.index(field), descending) if field in names else ("expr", expr, descending))
        direction = random_case(r, "desc" if descending else "asc")
        spelled.append(field if not descending and r.random() < 0.5 else {"field": field, "direction": direction})
    return orders, spelled


def random_query(r, columns):
    """A query for the model, and the body that asks for it."""
    grouped = r.random() < 0.5
    groups = [random_expr(r, columns, 0.6) for _ in range(r.randint(0, 3))] if grouped else []
    items, texts = random_items(r, columns, groups, grouped)
    conditions = [random_condition(r, columns) for _ in range(r.choice([0, 0, 1, 2, 3]))]
    query = {"items": items, "where": [c[:3] for c in conditions], "groups": groups}
    query["orders"], orders = random_orders(r, query, columns)
    body = {"select": texts}
    if conditions or r.random() < 0.2:
        body["where"] = [spell_condition(r, c, columns) for c in conditions]
    if groups or r.random() < 0.2:
        names = {name: expr for aggregate, expr, name in items if aggregate is None and name not in dict(columns)}
        body["group_by"] = [r.choice([n for n, e in names.items() if e == g] + [spell_expr(r, g, columns)]) for g in groups]
    if orders or r.random() < 0.2:
        body["order_by"] = orders
    return query, body


# ---- comparing ----

def plain_type(kind):
    return "String" if kind == "json" else kind


def check_value(token, value, kind, as_string, is_average):
    """token: a string of JSON, or Raw for what is none; None, True or False."""
    if value is None or (isinstance(value, bool) and not as_string):
        assert token is value
        return
    in_quotes = as_string or plain_type(kind) in ("String", "Date", "DateTime", "DateTime64(6)")
    assert isinstance(token, Raw) != in_quotes, token
    if kind == "Float64":
        assert float(token) == (pytest.approx(value, rel=1e-13, abs=0) if is_average else value), (token, value)
        assert len(token) <= len(repr(float(token))), token
    else:
        assert token == (value if isinstance(value, str) else full_text_of(value, kind)), (token, value, kind)


def parse(text):
    return json.loads(text, parse_int=Raw, parse_float=Raw, parse_constant=Raw)


def read_reply(text, form, token):
    """The rows as lists, meta or None, and the token of the next page."""
    if form == "jsonl":
        assert text == "" or text.endswith("\n")
        lines = [parse(line) for line in text.split("\n")[:-1]]
        return [list(line.items()) for line in lines], None, None if token == "-" else token
    reply = parse(text)
    assert list(reply["statistics"]) == ["elapsed", "rows_read", "bytes_read"]
    meta = reply.get("meta")
    if form == "json":
        return [list(row.items()) for row in reply["data"]], meta and meta["columns"], reply["next_page_token"]
    assert int(reply["rows"]) == len(reply["data"])
    return reply["data"], meta, reply["next_page_token"]


def check_rows(found, wanted, query, kinds, form):
    assert len(found) == len(wanted)
    for row, values in zip(found, wanted):
        assert len(row) == len(values)
        for cell, value, kind, (aggregate, _, name) in zip(row, values, kinds, query["items"]):
            if form in ("json", "jsonl"):
                assert cell[0] == name
                cell = cell[1]
            check_value(cell, value, kind, form == "json_compact_strings", aggregate == "avg")


def check_meta(meta, query, kinds, body, form):
    if form == "jsonl" or body.get("include_meta") is False:
        assert meta is None
    else:
        assert meta == [{"name": name, "type": plain_type(kind)} for kind, (_, _, name) in zip(kinds, query["items"])]


class Table:
    """A dataset in the driver, and its rows here."""

    def __init__(self, r, driver):
        self.r, self.driver, self.rows = r, driver, []
        names = r.sample(NAMES, r.randint(1, 9))
        self.columns = [(name, r.choice(list(DECLARED))) for name in names]
        driver.tell("schema", json.dumps([[name, random_case(r, r.choice(DECLARED[kind]))] for name, kind in self.columns]))
        for _ in range(r.choice([0, 1, 1, 2, 3])):
            self.add(r.choice([0, 1, 5, 30]))

    def add(self, count):
        for _ in range(count):
            row = [None if self.r.random() < 0.2 else random_value(self.r, kind) for _, kind in self.columns]
            row = [None if value == "" and kind not in ("String", "json") else value for value, (_, kind) in zip(row, self.columns)]
            self.rows.append(row)
            self.driver.tell("row", row_line(self.r, row, self.columns))
        self.driver.tell("commit")


def ask_pages(r, table, query, body, form):
    """All rows of the result, read page by page, while rows are added. None: the query failed."""
    wanted_rows = list(table.rows)
    try:
        wanted = model.answer(query, wanted_rows, table.columns)
    except model.Overflow:
        wanted = None
    offset = r.choice([0, 0, 0, 1, 7, 10 ** 12])
    limit = r.choice([1, 3, 7, 100, 10000, None])
    if offset or r.random() < 0.1:
        body["offset"] = offset
    if limit:
        body["limit"] = limit
    found, metas, pages = [], [], 0
    while True:
        kind, text, token = table.driver.ask(body)
        if wanted is None: # a store need not compute what nobody reads
            assert (kind, text) == ("failed", "invalid") or kind == "reply"
            return kind, None, None, 0
        assert kind == "reply", (kind, text)
        rows, meta, token = read_reply(text, form, token)
        assert len(rows) <= (limit or 100)
        found += rows
        metas.append(meta)
        pages += 1
        if token is None:
            break
        assert len(rows) == (limit or 100)
        base64.b64decode(token, validate=True)
        body = {k: v for k, v in body.items() if k != "offset"} | {"page_token": token}
        if limit and r.random() < 0.3:
            limit = body["limit"] = r.choice([1, 2, 50])
        if r.random() < 0.3:
            table.add(1)
    return "reply", (found, metas), wanted[offset:], pages


def test_replies_are_what_the_model_says(driver):
    r = random.Random(rounds.seed())
    outcomes = {"reply": 0, "failed": 0, "errors": 0, "pages": 0, "rows": 0}
    for case in range(driver.tables):
        table = Table(r, driver)
        for _ in range(10):
            query, body = random_query(r, table.columns)
            form = r.choice(FORMATS)
            if form:
                body["format"] = form
            if r.random() < 0.2:
                body["include_meta"] = r.random() < 0.5
            where = f"table {case}: {table.columns} {to_json(body)}"
            wrong = model.wrong_items(query)
            if wrong:
                kind, text, _ = table.driver.ask(body)
                assert kind == "errors" and list(json.loads(text)) == [f"select.{i}" for i in wrong], where
                outcomes[kind] += 1
                continue
            try:
                kind, found, wanted, pages = ask_pages(r, table, query, body, form or "json_compact")
                outcomes[kind] += 1
                if wanted is None:
                    continue
                kinds = ["UInt64" if i[1] is None else model.type_of_item(i, table.columns) for i in query["items"]]
                check_rows(found[0], wanted, query, kinds, form or "json_compact")
                for meta in found[1]:
                    check_meta(meta, query, kinds, body, form or "json_compact")
            except AssertionError as e:
                raise AssertionError(f"{where}: {e}") from e
            outcomes["pages"] += pages
            outcomes["rows"] += len(wanted)
    print(outcomes)
    assert outcomes["reply"] > 7 * outcomes["failed"] and outcomes["rows"] > outcomes["reply"]
