"""The option --segments: a document in place of the catalogue."""

from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("jinja2")

from crmkit.cli import main
from crmkit.codec import dumps
from crmkit.lifecycle import CRM
from crmkit.model import Candidate, Interaction
from crmkit.segmentation import Segment, Segmenter, field, member
from crmkit.stores import SQLStore

NOW = ["--now", "2026-03-02T09:00Z"]
CODERS = Segment("coders", field.skills.has_any("python"))
OURS = Segmenter([CODERS, Segment("others", ~member("coders"))])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of its own, with two people in a database."""
    monkeypatch.chdir(tmp_path)
    with SQLStore("sqlite:///talent.db") as store:
        for name, skill in (("ada", "python"), ("bob", "go")):
            met = Interaction(candidate_id=name, kind="met", at="2026-01-05T09:00Z")
            CRM(store).capture(Candidate(id=name, skills=[skill]), [met])
    Path("ours.json").write_text(dumps(OURS), encoding="utf-8")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_run_due_moves_people_into_the_segments_of_the_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The memberships are of the document's segments, references between them included."""
    run(capsys, "run-due", "--segments", "ours.json", *NOW)
    with SQLStore("sqlite:///talent.db") as store:
        found = {each.candidate_id: each.segment for each in store.memberships()}
    assert found == {"ada": "coders", "bob": "others"}


def test_explain_tells_the_segments_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    """The verdicts are those of the document's segments."""
    out = run(capsys, "explain", "ada", "--segments", "ours.json", *NOW)
    told = [line.partition(",")[0] for line in out.splitlines() if line.startswith("segment ")]
    assert [line.partition(":")[0] for line in told] == ["segment coders", "segment others"]


@pytest.mark.parametrize("command", [["run-due"], ["explain", "ada"]])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (dumps(OURS)[:-9], "ours.json: line 1, column "),
        (dumps(CODERS), "ours.json, name: not a field of Segmenter; "),
        (
            dumps(OURS).replace('"skills"', '"skils"'),
            "ours.json, segments[0].rule.path: 'skils' is not a field of a candidate; did you "
            "mean 'skills'?",
        ),
        ('{"version":2,"segments":[]}', "ours.json, version: expected 1, "),
    ],
)
def test_a_faulty_file_is_told_by_its_path(
    capsys: pytest.CaptureFixture[str], command: list[str], text: str, told: str
) -> None:
    """One line says the file, the path and the fault; nothing was done."""
    Path("ours.json").write_text(text, encoding="utf-8")
    assert main([*command, "--segments", "ours.json", *NOW]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err.startswith(f"crmkit: {told}")) == ("", 1, True)
    assert not Path("outbox").exists()


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be read is told as all files are."""
    assert main(["run-due", "--segments", "none.json", *NOW]) == 2
    assert capsys.readouterr().err == "crmkit: none.json: No such file or directory\n"
