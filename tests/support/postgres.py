# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL for tests: a cluster in a folder of its own, reached only through a Unix socket, and removed at the end.

Connections go through libpq, PostgreSQL's C library, which reports the types of a statement before it runs. Values have the
types that a driver of src/sql declares: int is BIGINT, str is TEXT, bytes is BYTEA. Results are read as text.
"""
import contextlib
import ctypes
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile

TYPES = {16: "BOOLEAN", 17: "BYTEA", 20: "BIGINT", 21: "SMALLINT", 23: "INTEGER", 25: "TEXT", 1700: "NUMERIC"}
BIGINT, TEXT, BYTEA = 20, 25, 17
FAILED = (5, 7)  # PGRES_BAD_RESPONSE, PGRES_FATAL_ERROR
TUPLES = 2


def programs():
    """The folder of the newest PostgreSQL that Debian's packages installed, or None."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    return os.path.dirname(found[-1]) if found else None


def of_function(statements, function):
    """The statements of a function, in the order of its lines."""
    return sorted((one for one in statements if one["function"] == function),
                  key=lambda one: int(one["where"].split(":")[1]))


class Failure(Exception):
    """An error of the database. `state` is its SQLSTATE."""

    def __init__(self, text, state):
        super().__init__(text.strip())
        self.state = state


def library():
    pq = ctypes.CDLL("libpq.so.5")
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, result, arguments in (
            ("PQconnectdb", pointer, [text]), ("PQstatus", number, [pointer]), ("PQfinish", None, [pointer]),
            ("PQerrorMessage", text, [pointer]), ("PQexec", pointer, [pointer, text]), ("PQclear", None, [pointer]),
            ("PQprepare", pointer, [pointer, text, text, number, ctypes.POINTER(ctypes.c_uint)]),
            ("PQdescribePrepared", pointer, [pointer, text]), ("PQnparams", number, [pointer]),
            ("PQparamtype", ctypes.c_uint, [pointer, number]), ("PQnfields", number, [pointer]),
            ("PQftype", ctypes.c_uint, [pointer, number]), ("PQresultStatus", number, [pointer]),
            ("PQresultErrorMessage", text, [pointer]), ("PQresultErrorField", text, [pointer, number]),
            ("PQntuples", number, [pointer]), ("PQgetvalue", text, [pointer, number, number]),
            ("PQgetisnull", number, [pointer, number, number]), ("PQcmdTuples", text, [pointer]),
            ("PQsendQueryParams", number, None), ("PQexecParams", pointer, None), ("PQgetResult", pointer, [pointer]),
            ("PQconsumeInput", number, [pointer]), ("PQisBusy", number, [pointer])):
        function = getattr(pq, name)
        function.restype = result
        if arguments is not None:
            function.argtypes = arguments
    return pq


def oid_of(value):
    return BIGINT if isinstance(value, int) else TEXT if isinstance(value, str) else BYTEA if value is not None else 0


def as_text(value):
    if value is None:
        return None
    return b"\\x" + value.hex().encode() if isinstance(value, bytes) else str(value).encode()


class Connection:
    def __init__(self, address):
        self.pq = library()
        self.handle = self.pq.PQconnectdb(address.encode())
        if self.pq.PQstatus(self.handle):
            raise Failure(self.pq.PQerrorMessage(self.handle).decode(), "08006")

    def close(self):
        self.pq.PQfinish(self.handle)

    def take(self, result):
        """(rows, number of changed rows) of a result, which is freed."""
        pq = self.pq
        try:
            status = pq.PQresultStatus(result)
            if status in FAILED:
                state = pq.PQresultErrorField(result, ord("C")) or b""
                raise Failure(pq.PQresultErrorMessage(result).decode(), state.decode())
            rows = []
            if status == TUPLES:
                rows = [[None if pq.PQgetisnull(result, row, column) else pq.PQgetvalue(result, row, column).decode()
                         for column in range(pq.PQnfields(result))] for row in range(pq.PQntuples(result))]
            return rows, int(pq.PQcmdTuples(result) or 0)
        finally:
            pq.PQclear(result)

    def script(self, text):
        """Run statements that are separated by semicolons, in one transaction."""
        return self.take(self.pq.PQexec(self.handle, text.encode()))

    def prepare(self, text, types=()):
        """Prepare a statement, with these types of its parameters or with those that PostgreSQL finds; do not run it.
        Returns the types of its parameters and of its columns."""
        self.take(self.pq.PQprepare(self.handle, b"", text.encode(), len(types), (ctypes.c_uint * len(types))(*types)))
        described = self.pq.PQdescribePrepared(self.handle, b"")
        parameters = [self.pq.PQparamtype(described, i) for i in range(self.pq.PQnparams(described))]
        columns = [self.pq.PQftype(described, i) for i in range(self.pq.PQnfields(described))]
        self.take(described)
        return parameters, columns

    def _call(self, function, text, values):
        n = len(values)
        return function(ctypes.c_void_p(self.handle), text.encode(), n, (ctypes.c_uint * n)(*map(oid_of, values)),
                        (ctypes.c_char_p * n)(*map(as_text, values)), None, None, 0)

    def run(self, text, *values):
        """(rows, number of changed rows)"""
        return self.take(self._call(self.pq.PQexecParams, text, values))

    def start(self, text, *values):
        """Send a statement that may have to wait for another connection. finish() returns its result."""
        assert self._call(self.pq.PQsendQueryParams, text, values)

    def finish(self):
        result = self.pq.PQgetResult(self.handle)
        try:
            return self.take(result)
        finally:
            while self.pq.PQgetResult(self.handle):
                pass


def end_with_parent():
    """Ask Linux to stop this process when the test program ends, even by a signal."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGQUIT)


@contextlib.contextmanager
def server():
    """Start a server and yield the address of its database, whose collation is English. PostgreSQL refuses to run as
    root; then it runs as the user that Debian's package creates."""
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    folder = tempfile.mkdtemp(prefix="cais-postgres-", dir="/tmp")  # the path of a socket must be short
    try:
        if user:
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        data = os.path.join(folder, "data")
        subprocess.run([os.path.join(programs(), "initdb"), "--pgdata", data, "--username", "cais", "--auth", "trust",
                        "--encoding", "UTF8", "--locale", "C.UTF-8", "--locale-provider", "icu", "--icu-locale", "en",
                        "--no-sync"], cwd=folder, check=True, stdout=subprocess.DEVNULL, **user)
        settings = {"listen_addresses": "", "unix_socket_directories": folder, "fsync": "off", "shared_buffers": "16MB",
                    "dynamic_shared_memory_type": "mmap", "log_min_messages": "log",
                    "client_min_messages": "warning", "lock_timeout": "20s",
                    "lc_messages": "C"}
        process = subprocess.Popen([os.path.join(programs(), "postgres"), "-D", data]
                                   + [f"--{name}={value}" for name, value in settings.items()],
                                   cwd=folder, stderr=subprocess.PIPE, text=True, preexec_fn=end_with_parent, **user)
        try:
            said = ""
            while "ready to accept connections" not in said:
                line = process.stderr.readline()
                assert line, f"PostgreSQL did not start: {said}"
                said += line
            yield f"host={folder} user=cais dbname=postgres"
        finally:
            process.send_signal(signal.SIGQUIT)  # stops at once; nothing of it is needed again
            process.communicate(timeout=30)
    finally:
        shutil.rmtree(folder)
