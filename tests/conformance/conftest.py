# SPDX-License-Identifier: Apache-2.0
"""What src/meta says to databases, and a PostgreSQL and an SQLite that have its schema."""
import json
import os
import sqlite3
import subprocess

import postgres
import pytest


@pytest.fixture(scope="session")
def sql(cais):
    """The output of list-statements: a list of {"migration" or "function", "where", "sqlite", "postgres"}."""
    printed = subprocess.run([os.path.join(os.path.dirname(cais), "tests", "support", "list-statements")], check=True,
                             capture_output=True, text=True).stdout
    return [json.loads(line) for line in printed.splitlines()]


@pytest.fixture(scope="session")
def migrations(sql):
    return [one for one in sql if "migration" in one]


@pytest.fixture(scope="session")
def statements(sql):
    return [one for one in sql if "function" in one]


@pytest.fixture(scope="session")
def address(migrations):
    """A PostgreSQL on which every migration has run."""
    if not postgres.programs():
        pytest.skip("PostgreSQL is not installed")
    with postgres.server() as address:
        connection = postgres.Connection(address)
        for migration in migrations:
            connection.script(migration["postgres"])
        connection.close()
        yield address


@pytest.fixture
def database(address):
    connection = postgres.Connection(address)
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def sqlite(migrations):
    """The same schema in SQLite."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for migration in migrations:
        connection.executescript(migration["sqlite"])
    yield connection
    connection.close()
