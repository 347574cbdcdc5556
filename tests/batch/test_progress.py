import io

from classicseg.batch._progress import ProgressLine, duration, progress_text


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(stream, calls):
    clock = iter([moment for moment, _, _ in calls])
    line = ProgressLine(stream, clock=lambda: next(clock))
    for _, done, total in calls:
        line(done, total)
    line.close()
    return stream.getvalue()


def test_plain_lines_elsewhere():
    text = run(io.StringIO(), [(0, 0, 100), (5, 10, 100), (11, 22, 100), (12, 24, 100), (50, 100, 100)])
    assert text.splitlines() == [
        "22/100 frames, 2.0 per second, 39 s to go",
        "100/100 frames, 2.0 per second",
    ] or text.splitlines() == [
        "10/100 frames, 2.0 per second, 45 s to go",
        "100/100 frames, 2.0 per second",
    ]
    assert "\r" not in text


def test_a_bar_on_a_terminal():
    text = run(Terminal(), [(0, 0, 8), (1, 1, 8), (3, 3, 8), (3.01, 4, 8), (4, 8, 8)])
    assert text.endswith("\n")
    assert "\r" in text
    assert "1/8 frames" in text
    assert "1/8 frames, " not in text  # one frame tells when the first worker was ready, not how fast it is
    assert "3/8 frames, 1.0 per second, 5 s to go" in text
    assert "4/8" not in text  # too soon after the last update


def test_a_rerun_says_what_stands():
    text = run(io.StringIO(), [(0, 90, 100), (5, 100, 100)])
    assert text.splitlines() == ["90 of 100 frames are done from an earlier run", "100/100 frames, 2.0 per second"]
    assert run(io.StringIO(), [(0, 100, 100)]) == "100 of 100 frames are done from an earlier run\n"


def test_durations():
    assert [duration(s) for s in (0.4, 59.4, 61, 3599, 3661, 90000)] == [
        "0 s",
        "59 s",
        "1 min 01 s",
        "59 min 59 s",
        "1 h 01 min",
        "25 h 00 min",
    ]


def test_a_rate_is_told_from_three_frames_and_two_seconds_on():
    assert progress_text(3, 9, 3, 1.9) == "3/9 frames"
    assert progress_text(2, 9, 2, 60.0) == "2/9 frames"
    assert progress_text(3, 9, 3, 2.0) == "3/9 frames, 1.5 per second, 4 s to go"
    assert progress_text(1, 1, 1, 0.5) == "1/1 frames, 2.0 per second"  # at the end it is what it was
