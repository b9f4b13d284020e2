"""test_propagate.py: common/propagate carries fixes forward, and loses nothing."""

import subprocess

import pytest

import chapters

PROPAGATE = chapters.ROOT / "common/propagate"
TEXT = "".join(f"line {n}\n" for n in range(1, 21))
CHAPTERS = ("01-one", "02-two", "03-three")


class Repository:
    """A repository with three chapters; 02 and 03 add a line to a.c each."""

    def __init__(self, path):
        self.path = path
        self.git("init", "-q")
        text = TEXT
        for chapter in CHAPTERS:
            self.write(chapter, "Makefile", f"OBJECTS = {chapter}\n")
            self.write(chapter, "a.c", text)
            self.write(chapter, "b.c", f"b\n{TEXT}")
            text += f"more than {chapter}\n"
        (path / ".gitignore").write_text("build/\n")
        self.commit()

    def git(self, *arguments):
        who = ["-c", "user.name=reader", "-c", "user.email=reader@example.org"]
        command = ["git", *who, *arguments]
        return subprocess.run(command, cwd=self.path, check=True, capture_output=True)

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "all")

    def place(self, chapter, name):
        return self.path / "chapters" / chapter / name

    def write(self, chapter, name, text):
        self.place(chapter, name).parent.mkdir(parents=True, exist_ok=True)
        self.place(chapter, name).write_text(text)

    def read(self, chapter, name):
        return self.place(chapter, name).read_text()

    def edit(self, chapter, name, old, new):
        text = self.read(chapter, name)
        assert old in text
        self.write(chapter, name, text.replace(old, new))

    def propagate(self, *arguments):
        return subprocess.run(
            [PROPAGATE, *arguments],
            cwd=self.path / "chapters",
            capture_output=True,
            text=True,
            timeout=30,
        )


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


def test_edit_reaches_all_later_chapters(repository):
    repository.edit("01-one", "a.c", "line 3\n", "line three\n")
    done = repository.propagate("01-one")
    assert done.returncode == 0, done.stderr
    assert "chapters/02-two/a.c: merged\nchapters/03-three/a.c: merged" in done.stdout
    for chapter in CHAPTERS:
        assert "line 2\nline three\nline 4\n" in repository.read(chapter, "a.c")
    assert repository.read("03-three", "a.c").endswith("more than 02-two\n")


def test_edit_of_a_middle_chapter_leaves_the_first_alone(repository):
    repository.edit("02-two", "a.c", "line 3\n", "line three\n")
    repository.propagate("02-two")
    assert repository.read("01-one", "a.c") == TEXT
    assert "line three" in repository.read("03-three", "a.c")


def test_second_run_changes_nothing(repository):
    repository.edit("01-one", "a.c", "line 3\n", "line three\n")
    repository.propagate("01-one")
    texts = [repository.read(chapter, "a.c") for chapter in CHAPTERS]
    done = repository.propagate("01-one")
    assert done.returncode == 0 and done.stdout == ""
    assert [repository.read(chapter, "a.c") for chapter in CHAPTERS] == texts


def test_edit_made_by_hand_in_between_does_not_stop_it(repository):
    for chapter in CHAPTERS[:2]:
        repository.edit(chapter, "a.c", "line 3\n", "line three\n")
    repository.propagate("01-one")
    assert "line three" in repository.read("03-three", "a.c")


def test_other_edits_of_later_chapters_stay_where_they_are(repository):
    repository.edit("02-two", "a.c", "line 15\n", "fifteen\n")
    repository.edit("01-one", "a.c", "line 3\n", "line three\n")
    repository.propagate("01-one")
    assert "fifteen" in repository.read("02-two", "a.c")
    assert "fifteen" not in repository.read("03-three", "a.c")


def test_new_file(repository):
    repository.write("01-one", "new.c", "new\n")
    repository.write("01-one", "build/product", "x")
    assert repository.propagate("01-one").returncode == 0
    assert repository.read("03-three", "new.c") == "new\n"
    assert not repository.place("02-two", "build").exists()


def test_deleted_file(repository):
    repository.place("01-one", "b.c").unlink()
    assert repository.propagate("01-one").returncode == 0
    assert not repository.place("02-two", "b.c").exists()
    assert not repository.place("03-three", "b.c").exists()


def test_renamed_file(repository):
    repository.place("01-one", "a.c").rename(repository.place("01-one", "z.c"))
    repository.edit("01-one", "z.c", "line 3\n", "line three\n")
    done = repository.propagate("01-one")
    assert done.returncode == 0, done.stdout
    assert not repository.place("03-three", "a.c").exists()
    text = repository.read("03-three", "z.c")
    assert "line three" in text and text.endswith("more than 02-two\n")


def test_conflict_is_told_marked_and_goes_no_further(repository):
    repository.edit("02-two", "a.c", "line 3\n", "line III\n")
    repository.commit()
    repository.edit("01-one", "a.c", "line 3\n", "line three\n")
    repository.edit("01-one", "b.c", "line 3\n", "line three\n")
    done = repository.propagate("01-one")
    assert done.returncode == 1
    assert "chapters/02-two/a.c: CONFLICT: marked in the file" in done.stdout
    assert "1 to mend; then run propagate for that chapter." in done.stdout
    marked = repository.read("02-two", "a.c")
    assert "<<<<<<< 02-two\nline III\n" in marked
    assert "line three\n>>>>>>> 01-one after\n" in marked
    assert "three" not in repository.read("03-three", "a.c")
    assert "line three" in repository.read("03-three", "b.c")


def test_mended_conflict_goes_on(repository):
    repository.edit("02-two", "a.c", "line 3\n", "line III\n")
    repository.edit("03-three", "a.c", "line 3\n", "line III\n")
    repository.commit()
    repository.edit("01-one", "a.c", "line 3\n", "line three\n")
    repository.propagate("01-one")
    mended = TEXT.replace("line 3\n", "line THREE\n") + "more than 01-one\n"
    repository.write("02-two", "a.c", mended)
    assert repository.propagate("02-two").returncode == 0
    text = repository.read("03-three", "a.c")
    assert "line THREE\n" in text and text.endswith("more than 02-two\n")


def test_deleted_here_but_changed_there_is_a_conflict(repository):
    repository.place("01-one", "a.c").unlink()
    done = repository.propagate("01-one")
    assert done.returncode == 1
    assert "02-two/a.c: CONFLICT: deleted in 01-one, but different" in done.stdout
    assert repository.place("02-two", "a.c").exists()


def test_new_here_and_other_there_is_a_conflict(repository):
    repository.write("02-two", "new.c", "theirs\n")
    repository.commit()
    repository.write("01-one", "new.c", "ours\n")
    done = repository.propagate("01-one")
    assert done.returncode == 1
    assert "02-two/new.c: CONFLICT" in done.stdout


def test_file_that_later_chapters_dropped_stays_dropped(repository):
    repository.place("02-two", "b.c").unlink()
    repository.place("03-three", "b.c").unlink()
    repository.commit()
    repository.edit("01-one", "b.c", "line 3\n", "line three\n")
    done = repository.propagate("01-one")
    assert done.returncode == 0
    assert "chapters/02-two/b.c: not there, so not changed" in done.stdout
    assert not repository.place("02-two", "b.c").exists()


def test_index_is_left_alone(repository):
    repository.write("01-one", "new.c", "new\n")
    repository.edit("01-one", "a.c", "line 3\n", "line three\n")
    repository.propagate("01-one")
    assert repository.git("diff", "--cached", "--name-only").stdout == b""


def test_unknown_chapter_lists_those_there_are(repository):
    done = repository.propagate("07-seven")
    assert done.returncode == 1
    assert done.stderr == (
        "propagate: no chapter 07-seven; there are: 01-one, 02-two, 03-three\n"
    )
    assert "usage" in repository.propagate().stderr
