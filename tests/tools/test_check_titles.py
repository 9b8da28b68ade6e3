# SPDX-License-Identifier: Apache-2.0
"""tools/check-titles reports commits whose title has the wrong form, but not merges and old commits."""
import re
import subprocess

import pytest
from planted import check, git, whole, write


def commit(tree, title):
    git(tree, "commit", "-q", "--allow-empty", "-m", title)


@pytest.mark.parametrize("title,message", [
    ("Keep the name as sent", "is not `area: imperative`"),
    ("core/file keep the name", "is not `area: imperative`"),
    ("core/file:keep the name", "is not `area: imperative`"),
    (": keep the name", "is not `area: imperative`"),
    ("core/file: keep the name.", "is not `area: imperative`"),
    ("core/file: keep", "is not `area: imperative`"),
    ("the files of core: keep the name", "is not `area: imperative`"),
    ("core/file: Keep the name", "does not begin with a verb in the imperative: 'Keep'"),
    ("core/file: keeps the name", "does not begin with a verb in the imperative: 'keeps'"),
    ("core/file: renamed the name", "does not begin with a verb in the imperative: 'renamed'"),
    ("core/file: keeping the name", "does not begin with a verb in the imperative: 'keeping'"),
    ("core/file: keep " + "n" * 57, "has 73 characters, more than 72"),
])
def test_a_title_in_the_wrong_form_is_reported(root, tmp_path, title, message):
    commit(whole(tmp_path), title)
    commit(tmp_path, "core/file: keep the name")
    status, output = check(root, "check-titles", tmp_path)
    assert status == 1 and message in output and title in output


@pytest.mark.parametrize("title", [
    "core/file: keep the name as sent", "tests: process one", "http, api/s3: feed the parser", ".ci: address a warning",
    "ARCHITECTURE.md: need no more words", "core/file: keep " + "n" * 56, "tools/check-*: re-use what is there",
    "http: bring it back", "api/s3: string together",
])
def test_a_title_in_the_right_form_passes(root, tmp_path, title):
    commit(whole(tmp_path), title)
    status, output = check(root, "check-titles", tmp_path)
    assert status == 0, output


def test_a_merge_passes(root, tmp_path):
    git(whole(tmp_path), "checkout", "-q", "-b", "side")
    commit(tmp_path, "core: leave the way")
    git(tmp_path, "checkout", "-q", "-")
    git(tmp_path, "merge", "-q", "--no-ff", "side", "-m", "Merge branch 'side'")
    status, output = check(root, "check-titles", tmp_path)
    assert status == 0 and "2 commits" in output, output


def short_hash(tree):
    return subprocess.run(["git", "-C", str(tree), "rev-parse", "HEAD"], capture_output=True, text=True).stdout[:12]


def test_a_commit_may_be_an_exception_also_in_a_shallow_clone_without_it(root, tmp_path):
    old = whole(tmp_path / "old")
    commit(old, "Something else")
    listed = f"{short_hash(old)}  # it cannot be rewritten\n"
    commit(old, "core: go on")
    write(old, "tools/exceptions/titles.txt", listed)
    assert check(root, "check-titles", old)[0] == 0
    git(old, "clone", "-q", "--depth", "1", f"file://{old}", str(tmp_path / "new"))
    write(tmp_path / "new", "tools/exceptions/titles.txt", listed)
    status, output = check(root, "check-titles", tmp_path / "new")
    assert status == 0 and "1 commits" in output, output


def test_old_commits_pass(root, tmp_path):
    """The check starts at a base commit. A shallow clone of this repository may not have it; then all its commits are checked."""
    status, output = check(root, "check-titles", root)
    assert status == 0, output
    looked_at = int(re.search(r"check-titles: (\d+) commits", output).group(1))
    everything = subprocess.run(["git", "-C", root, "rev-list", "--count", "--no-merges", "HEAD"],
                                capture_output=True, text=True).stdout
    shallow = subprocess.run(["git", "-C", root, "rev-parse", "--is-shallow-repository"],
                             capture_output=True, text=True).stdout
    assert looked_at < int(everything) or shallow.strip() == "true"
