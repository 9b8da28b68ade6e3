# SPDX-License-Identifier: Apache-2.0
"""The Debian package: what is in it, that it installs, upgrades and removes in a root of the test, and that the program in it serves what
an old version kept. The Containerfile is walked step by step, without an engine."""
import glob
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile

import pytest

from server import BINARY, Server, bearer

PACKAGE_TIMEOUT_S = 240


def run(*command, check=True, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=PACKAGE_TIMEOUT_S, **more)
    assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def package(root, tmp_path_factory):
    """The folder with the packages, made of the program under test, and `tree`, what is in the first."""
    folder = tmp_path_factory.mktemp("package")
    run(os.path.join(root, "tools", "make-deb"), folder, "--build", os.path.dirname(BINARY), "--quick", cwd=folder)
    deb = glob.glob(str(folder / "cais_*.deb"))
    assert len(deb) == 1 and len(glob.glob(str(folder / "cais-dbgsym_*.deb"))) == 1
    run("dpkg-deb", "-R", deb[0], folder / "tree")
    return folder


@pytest.fixture(scope="module")
def deb(package):
    return glob.glob(str(package / "cais_*.deb"))[0]


@pytest.mark.slow_because("the package is made for it")
def test_the_package_has_what_an_operator_expects(package, deb):
    listed = {line.split()[-1][1:]: line.split()[0] for line in run("dpkg-deb", "-c", deb).stdout.splitlines()}
    for path in ("/usr/bin/cais", "/usr/lib/systemd/system/cais.service", "/usr/lib/sysusers.d/cais.conf", "/usr/lib/tmpfiles.d/cais.conf",
                 "/etc/logrotate.d/cais", "/etc/cais/cais.ini", "/usr/share/man/man1/cais.1.gz", "/usr/share/bash-completion/completions/cais",
                 "/usr/share/zsh/vendor-completions/_cais", "/usr/share/fish/vendor_completions.d/cais.fish",
                 "/usr/share/doc/cais/docs/operations.md", "/usr/share/doc/cais/docs/monitoring/alerts.yml"):
        assert path in listed, path
    assert listed["/etc/cais/cais.ini"] == "-rw-r-----" and listed["/usr/bin/cais"] == "-rwxr-xr-x"
    assert not [p for p in listed if p.startswith("/usr/local")]
    owners = {line.split()[1] for line in run("dpkg-deb", "-c", deb).stdout.splitlines()}
    assert owners == {"root/root"}
    fields = run("dpkg-deb", "-f", deb, "Depends").stdout
    for needed in ("libc6", "libcurl4", "libsqlite3-0", "libssl3"):
        assert needed in fields
    assert (package / "tree" / "DEBIAN" / "conffiles").read_text() == "/etc/cais/cais.ini\n/etc/logrotate.d/cais\n"


@pytest.mark.slow_because("lintian unpacks 65 MB and looks at each file")
def test_lintian_finds_no_error(deb):
    said = run("lintian", "--allow-root", deb, check=False).stdout.splitlines()
    assert [line for line in said if line.startswith("E:")] == []


def test_symbols_are_in_a_package_of_their_own(package):
    program = package / "tree" / "usr" / "bin" / "cais"
    sections = run("readelf", "-S", "--wide", program).stdout
    assert ".debug_info" not in sections and ".symtab" not in sections
    build_id = re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "-n", program).stdout)[1]
    symbols = glob.glob(str(package / "cais-dbgsym_*.deb"))[0]
    path = f"./usr/lib/debug/.build-id/{build_id[:2]}/{build_id[2:]}.debug"
    assert path in run("dpkg-deb", "-c", symbols).stdout
    assert run("dpkg-deb", "-f", symbols, "Build-Ids").stdout.strip() == build_id


# ── the manual and the completions


def commands_of(program):
    """name -> options, from the help of the program, read in another way than tools/make-manual does."""
    names = re.findall(r"^  cais ([a-z]+(?: [a-z]+)?)(?=[ \[])", run(program, "--help").stdout, re.MULTILINE)
    return {name: re.findall(r"^  (?:    |-\w, )--([a-z0-9-]+)", run(program, *name.split(), "--help").stdout, re.MULTILINE) for name in names}


@pytest.fixture(scope="module")
def commands(package):
    found = commands_of(BINARY)
    assert len(found) > 45 and "s3-listen" in found["serve"] and "dry-run" in found["jobs run"]
    return found


def test_the_manual_says_what_help_says(package, commands):
    with gzip.open(package / "tree" / "usr" / "share" / "man" / "man1" / "cais.1.gz", "rt", encoding="utf-8") as f:
        page = f.read()
    sections = {m[1].replace("\\-", "-").lower().removeprefix("cais "): m[2] for m in re.finditer(
        r'^\.SH "(CAIS .*?)"\n(.*?)(?=^\.SH )', page, re.MULTILINE | re.DOTALL)}
    assert list(sections) == list(commands)
    for name, options in commands.items():
        assert re.findall(r"\\fB\\-\\-([a-z0-9\\-]+?)\\fR", sections[name]) == [o.replace("-", "\\-") for o in options], name
    shown = run("man", "-l", package / "tree" / "usr" / "share" / "man" / "man1" / "cais.1.gz", check=False,
                env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100", "MANPAGER": "cat"}) if shutil.which("man") else None
    assert shown is None or "cais - a server" in shown.stdout


def bash_completes(path, line):
    words = line.split(" ")
    script = (f'source "{path}"; COMP_WORDS=({" ".join(repr(w) for w in words)}); COMP_CWORD={len(words) - 1}; _cais; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    return set(run("bash", "--norc", "-c", script, cwd="/").stdout.split())


def test_bash_completes_commands_and_options(package, commands):
    path = package / "tree" / "usr" / "share" / "bash-completion" / "completions" / "cais"
    assert bash_completes(path, "cais ") == {name.split()[0] for name in commands}
    assert bash_completes(path, "cais we") == {"webhook"}
    assert bash_completes(path, "cais key ") == {"add", "list", "revoke"}
    assert bash_completes(path, "cais serve --s3") == {"--s3-listen"}
    for name, options in commands.items():
        assert bash_completes(path, f"cais {name} --") == {"--" + o for o in options}, name


@pytest.mark.parametrize("shell,check,path", [("zsh", "-n", "zsh/vendor-completions/_cais"), ("fish", "--no-execute", "fish/vendor_completions.d/cais.fish")])
def test_other_shells_take_their_completions(package, commands, shell, check, path):
    file = package / "tree" / "usr" / "share" / path
    run(shell, check, file)
    text = file.read_text()
    for name, options in commands.items():
        assert all(re.search(rf"(--| -l ){re.escape(o)}\b", text) for o in options), name


# ── units and users


def test_systemd_takes_unit_user_and_folders_of_the_package(package, tmp_path):
    tree = package / "tree"
    unit = (tree / "usr/lib/systemd/system/cais.service").read_text()
    assert "/usr/local" not in unit and "ExecStart=/usr/bin/cais serve" in unit and "Type=notify" in unit
    (tmp_path / "cais.service").write_text(unit.replace("/usr/bin/cais", str(tree / "usr/bin/cais")))
    done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", tmp_path / "cais.service")
    assert done.stdout + done.stderr == ""
    root = tmp_path / "root"
    for path in ("usr/lib/sysusers.d", "usr/lib/tmpfiles.d"):
        shutil.copytree(tree / path, root / path)
    (root / "etc").mkdir()
    run("systemd-sysusers", f"--root={root}", "cais.conf")
    assert re.search(r"^cais:[^:]*:\d+:\d+:cais file server:/var/lib/cais:", (root / "etc/passwd").read_text(), re.MULTILINE)
    if os.geteuid() == 0:
        (root / "etc" / "group").open("a").write("adm:x:4:\n")
        run("systemd-tmpfiles", f"--root={root}", "--create", "cais.conf")
        assert os.stat(root / "var/lib/cais").st_mode & 0o777 == 0o700


def test_logrotate_and_the_configuration_are_read(package, tmp_path):
    done = run(package / "tree/usr/bin/cais", "check", "--config", package / "tree/etc/cais/cais.ini", "--data", tmp_path / "data")
    assert done.stdout == "the configuration is good\n"
    rotate = (package / "tree/etc/logrotate.d/cais").read_text()
    assert "/var/log/cais/cais.log {" in rotate and rotate.count("{") == rotate.count("}")


# ── installing


# The files of this machine, on which nothing is changed: writes go to a file system in memory, in a mount namespace of its own, which
# ends with the script. So dpkg and the maintainer scripts run as on a machine that has all dependencies.
NAMESPACE = """set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$0"
mkdir "$0/upper" "$0/work" "$0/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root"
mount --bind /proc "$0/root/proc"
mount --bind /dev "$0/root/dev"
export DEBIAN_FRONTEND=noninteractive
exec chroot "$0/root" /bin/sh -e -c "$1"
"""


def in_namespace(tmp_path, script):
    """The output of a script in such a root, by the words before the first colon of its lines."""
    (tmp_path / "mounted").mkdir()
    done = run("unshare", "--mount", "sh", "-c", NAMESPACE, tmp_path / "mounted", script)
    return dict(line.split(": ", 1) for line in done.stdout.splitlines() if re.match(r"[a-z-]+: ", line))


def newer(deb, folder, version):
    """The same package with another version."""
    tree = folder / "newer"
    run("dpkg-deb", "-R", deb, tree)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: .*$", "Version: " + version, control.read_text(), flags=re.MULTILINE))
    run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", tree, folder / "newer.deb")
    return folder / "newer.deb"


@pytest.mark.slow_because("dpkg unpacks 65 MB twice")
@pytest.mark.skipif(os.geteuid() != 0, reason="a mount namespace needs root")
def test_the_package_installs_upgrades_and_is_removed_and_data_stays(deb, tmp_path):
    said = in_namespace(tmp_path, f"""
dpkg --force-depends -i {deb} >/dev/null 2>&1
echo "installed: $(dpkg-query -W -f '${{Status}}' cais)"
echo "user: $(getent passwd cais)"
echo "folder: $(stat -c '%a %U' /var/lib/cais)"
echo "configuration: $(stat -c '%a %G' /etc/cais/cais.ini)"
echo "version: $(cais version)"
setpriv --reuid=cais --regid=cais --clear-groups cais check --config /etc/cais/cais.ini | sed 's/^/checked: /'
setpriv --reuid=cais --regid=cais --clear-groups cais init --data /var/lib/cais >/dev/null
setpriv --reuid=cais --regid=cais --clear-groups cais user add ana@example.org --data /var/lib/cais >/dev/null
echo '; changed by hand' >> /etc/cais/cais.ini
dpkg --force-depends -i {newer(deb, tmp_path, "9.9.9-1")} >/dev/null 2>&1
echo "upgraded: $(dpkg-query -W -f '${{Version}} ${{Status}}' cais)"
echo "kept: $(tail -1 /etc/cais/cais.ini)"
echo "kept-user: $(setpriv --reuid=cais --regid=cais --clear-groups cais user list --data /var/lib/cais | grep -o ana@example.org)"
dpkg -r cais >/dev/null 2>&1
echo "removed: $(dpkg-query -W -f '${{Status}}' cais) $(ls /usr/bin/cais 2>/dev/null)"
dpkg -P cais >/dev/null 2>&1
echo "purged: $(ls /etc/cais /var/log/cais 2>/dev/null)"
echo "files-of-people: $(stat -c '%U' /var/lib/cais/cais.db)"
""")
    assert said["installed"] == "install ok installed"
    assert re.fullmatch(r"cais:x:\d+:\d+:cais file server:/var/lib/cais:\S*nologin", said["user"])
    assert (said["folder"], said["configuration"]) == ("700 cais", "640 cais")
    assert said["version"].startswith("cais ") and said["checked"] == "the configuration is good"
    assert (said["upgraded"], said["kept"], said["kept-user"]) == ("9.9.9-1 install ok installed", "; changed by hand", "ana@example.org")
    assert (said["removed"].strip(), said["purged"].strip()) == ("deinstall ok config-files", "")
    assert said["files-of-people"] == "cais"
    assert not os.path.exists("/usr/bin/cais") and "cais:" not in open("/etc/passwd", encoding="utf-8").read(), "it touched this machine"


# ── an old data directory


def old_data(root, tmp_path):
    with open(os.path.join(root, "tests", "upgrade", "kept.json"), encoding="utf-8") as f:
        kept = json.load(f)
    with tarfile.open(os.path.join(root, "tests", "upgrade", f"data-{kept['commit']}.tar.xz")) as tar:
        tar.extractall(tmp_path)
    os.chmod(tmp_path / "data", 0o700)
    return kept


def test_what_an_old_version_kept_is_served_after_the_upgrade(root, package, tmp_path):
    kept = old_data(root, tmp_path)
    with Server(tmp_path, binary=str(package / "tree/usr/bin/cais")) as server:
        server.wait_log(lambda line: line["msg"].startswith("migrated the database from version"))
        token = server.log_in(kept["login"], kept["security_key"])["access_token"]
        task = server.ask("GET", f"/v4/tasks/{kept['task']}", bearer(token)).json()["task"]
        assert task["text"] == "Kept by an old version"
        for file in kept["attachments"]:
            got = server.ask("GET", f"/v4/files/download/{file['id']}", bearer(token)).body
            assert (len(got), hashlib.md5(got).hexdigest()) == (file["size"], file["md5"]), file["name"]
        native = server.ask("GET", "/v1/native/files/" + kept["native"]["id"], bearer(kept["native_token"])).body
        assert hashlib.md5(native).hexdigest() == kept["native"]["md5"]
        assert server.cais("fsck").returncode == 0
        # and the new version adds to it
        made = server.ask("PUT", "/v1/native/files/new", bearer(kept["native_token"]), b"new")
        assert made.status == 201
    with Server(tmp_path) as server:
        assert server.cais("fsck").returncode == 0


# ── the container


def test_each_step_of_the_containerfile_can_be_done(root, package):
    """The engine is the test: each instruction is one that engines know, each file that it copies or starts exists, each command of cais
    has the options that it is given, and each package has a name of Debian's."""
    with open(os.path.join(root, "packaging", "Containerfile"), encoding="utf-8") as f:
        lines = [line for line in f.read().replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    steps = [line.split(" ", 1) for line in lines]
    assert {name for name, _ in steps} <= {"FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    images = [rest for name, rest in steps if name == "FROM"]
    assert len(images) == 2 and all(i.startswith("docker.io/library/debian:12-slim") for i in images) and images[0].endswith(" AS build")
    copied = [rest for name, rest in steps if name == "COPY"]
    assert copied == [". /src", "--from=build /src/build-deb/cais_*.deb /tmp/"]
    assert glob.glob(str(package / "cais_*.deb")) and "deb: " in open(os.path.join(root, "Makefile"), encoding="utf-8").read()
    for name, rest in steps:
        if name == "RUN":
            run("sh", "-n", "-c", rest)
            for names in re.findall(r"install ((?:[a-z0-9-]+ )*[a-z0-9-]+)", rest.replace("-y --no-install-recommends ", "")):
                assert set(names.split()) <= {"make", "ca-certificates", "install"}
    user = next(rest for name, rest in steps if name == "USER")
    assert re.search(rf"^u {user} ", (package / "tree/usr/lib/sysusers.d/cais.conf").read_text(), re.MULTILINE)
    entry = json.loads(next(rest for name, rest in steps if name == "ENTRYPOINT"))
    assert (package / "tree" / entry[0].lstrip("/")).exists()
    known = commands_of(BINARY)
    serve = json.loads(next(rest for name, rest in steps if name == "CMD"))
    health = json.loads(next(rest for name, rest in steps if name == "HEALTHCHECK").removeprefix("CMD "))
    for words in (serve, health[1:]):
        assert {w[2:] for w in words if w.startswith("--")} <= set(known[words[0]])
    checked = run(BINARY, "check", *serve[1:3], *serve[3:], check=False)
    assert "listen" not in checked.stderr
