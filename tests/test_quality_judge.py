"""What the quality benchmark makes of records: choices, judgements, table, plot."""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # benchmarks are run from a checkout and never installed

from benchmarks import table as tables  # noqa: E402
from benchmarks.quality import plot, report  # noqa: E402
from benchmarks.quality.data import read_image  # noqa: E402
from benchmarks.quality.judge import MEASURES, Scores, Training, Validation  # noqa: E402
from benchmarks.quality.score import FIELDS  # noqa: E402

BOUNDARY = MEASURES[3]


# Choosing and judging


def records(*rows):
    """Records of pictures a, b, …; one row of (covered, rand, variation, tp) per picture."""
    names = ("covered", "rand", "variation", "tp_recall")
    made = {}
    for picture, row in zip("abcdef", rows):
        made[picture] = [
            dict(zip(names, values))
            | {"area": 100, "n_recall": 10, "tp_precision": values[3], "n_precision": 10, "labels": 2 + i}
            | {"seconds": 0.25 * (i + 1), "setting": {"n": i}, "failed": None}
            for i, values in enumerate(row)
        ]
    return made


ROWS = (
    [(60, 0.5, 3.0, 2), (80, 0.4, 1.0, 8), (50, 0.9, 2.0, 5)],
    [(90, 0.6, 2.0, 9), (40, 0.5, 2.5, 1), (50, 0.7, 1.0, 5)],
)


def test_each_measure_chooses_its_own_setting():
    choice = Training(Scores.of(records(*ROWS), FIELDS)).choose()
    assert choice.setting == {"covering": 0, "rand": 2, "variation": 2, "boundary_f": 0}
    assert np.allclose(list(choice.score.values()), [0.75, 0.8, 1.5, 0.55])
    assert choice.pictures == ("a", "b")


def test_of_equal_settings_the_first_is_chosen():
    row = [(50, 0.5, 2.0, 5)] * 3
    assert set(Training(Scores.of(records(row), FIELDS)).choose().setting.values()) == {0}


def test_a_choice_is_judged_on_other_pictures_only():
    training = Training(Scores.of(records(*ROWS), FIELDS))
    values = {
        f"val-{name}": row for name, row in records([(30, 0.2, 4.0, 3), (70, 0.9, 1.0, 7), (20, 0.1, 5, 1)]).items()
    }
    verdict = Validation(Scores.of(values, FIELDS)).judge(training.choose())
    assert np.allclose(list(verdict.score.values()), [0.3, 0.1, 5.0, 0.3])  # not the best of these pictures
    assert np.allclose(list(verdict.best_per_picture.values()), [0.7, 0.9, 1.0, 0.7])
    assert verdict.seconds == 0.25
    assert verdict.labels == 2
    assert verdict.per_picture["covering"].tolist() == [0.3]


def test_the_pictures_that_are_judged_have_no_say():
    """What is chosen is the same whatever the other pictures hold, and `Validation` has no way to choose."""
    assert {field.name for field in dataclasses.fields(Training)} == {"scores"}
    assert not hasattr(Validation, "choose")
    assert not hasattr(Training, "judge")
    training = Training(Scores.of(records(*ROWS), FIELDS))
    with pytest.raises(ValueError, match="must be judged by settings chosen on others, got a in both"):
        Validation(training.scores).judge(training.choose())


def test_records_of_other_settings_are_refused():
    made = records(*ROWS)
    made["b"] = made["b"][:2]
    with pytest.raises(ValueError, match="records of the same settings, b has others; run it anew"):
        Scores.of(made, FIELDS)


def test_scores_pool_over_pictures_as_the_berkeley_benchmark_does():
    """Sums for covering and for boundaries, means for the others; best per picture, then pooled alike."""
    from classicseg import metrics

    rng = np.random.default_rng(0)
    shape = (5, 4)
    values = {name: rng.uniform(0, 50, shape) for name in ("covered", "rand", "variation")}
    values["area"] = rng.uniform(100, 200, (5, 1)).repeat(4, axis=1)
    for name in ("recall", "precision"):
        values[f"n_{name}"] = rng.integers(50, 90, shape).astype(float)
        values[f"tp_{name}"] = rng.integers(0, 50, shape).astype(float)
    scores = Scores(tuple("abcde"), tuple({"n": i} for i in range(4)), values, 0)
    expected = {
        "covering": metrics.best_covering(values["covered"], values["area"][:, 0]),
        "rand": metrics.best_probabilistic_rand_index(values["rand"]),
        "variation": metrics.best_variation_of_information(values["variation"]),
    }
    for measure in MEASURES[:3]:
        found = scores.per_setting(measure)
        assert np.allclose(found, expected[measure.name].per_setting)
        assert measure.best(found) == expected[measure.name].best_setting
        assert np.isclose(scores.best_per_picture(measure), expected[measure.name].ois)
    tp, n = values["tp_recall"].sum(0), values["n_recall"].sum(0)
    tq, m = values["tp_precision"].sum(0), values["n_precision"].sum(0)
    assert np.allclose(scores.per_setting(BOUNDARY), 2 / (n / tp + m / tq))


def test_no_boundary_at_all_is_worth_nothing():
    row = [(50, 0.5, 2.0, 0)]
    made = records(row)
    made["a"][0]["n_precision"] = 0
    assert Scores.of(made, FIELDS).per_setting(BOUNDARY).tolist() == [0.0]


# The report


def made_result():
    def method(name, library, covering, **more):
        scores = {"covering": covering, "rand": 0.8125, "variation": 1.5, "boundary_f": 0.6}
        made = {"name": name, "library": library, "sweep": [{"n": 1}, {"n": 2}], "val": scores, "train": scores}
        made |= {"chosen": {key: {"n": 2} for key in scores}, "best_per_picture": scores | {"covering": 0.75}}
        return made | {"seconds": 0.125, "labels": 5.0, "failed": {"train": 0, "val": 0}, "per_picture": {}} | more

    return {
        "case": "quality",
        "title": report.TITLE,
        "date": "2026-01-02",
        "data": "pictures that people segmented",
        "machine": {"cpu": "a processor"},
        "versions": {"numpy": "2"},
        "pictures": {"train": 3, "val": 2},
        "methods": [method("a", "classicseg", 0.5), method("b", "OpenCV", 0.625, failed={"train": 1, "val": 2})],
        "not_run": {"scikit-learn c": "scikit-learn is not installed"},
    }


def test_the_table_is_ranked_and_tells_what_failed():
    text = report.table(made_result())
    lines = text.splitlines()
    assert lines[4] == "| b | OpenCV | 0.625 | 0.750 | 0.812 | 1.50 | 0.600 | 0.125 | n 2 |"
    assert lines[5].startswith("| a | classicseg | 0.500 |")
    assert "b of OpenCV failed in 3 of 10 calls, counted as one region." in lines
    assert "scikit-learn c was not run: scikit-learn is not installed." in lines
    assert "chosen on 3 pictures and judged on 2 others" in text
    assert "Measured 2026-01-02 on a processor, one thread" in text


def test_the_readme_gets_the_newest_table_between_marks_of_its_own(tmp_path):
    assert tables.quality_table(tmp_path) == ""
    for date in ("2026-01-02", "2025-12-31"):
        made = made_result() | {"date": date}
        (tmp_path / f"quality-{date}.json").write_text(json.dumps(made), encoding="utf-8")
    text = tables.quality_table(tmp_path)
    assert "Measured 2026-01-02" in text
    readme = tmp_path / "README.md"
    start, end = tables.QUALITY_MARKS
    readme.write_text(f"{tables.START}\nspeed\n{tables.END}\n{start}\nold\n{end}\nb\n")
    tables.write_between(readme, text, tables.QUALITY_MARKS)
    assert readme.read_text(encoding="utf-8") == f"{tables.START}\nspeed\n{tables.END}\n{start}\n{text}\n{end}\nb\n"
    readme.write_text("no marks")
    with pytest.raises(SystemExit, match="must hold the marks <!-- quality:start --> and <!-- quality:end -->"):
        tables.write_between(readme, text, tables.QUALITY_MARKS)


def test_the_plot_shows_every_method_in_both_panels():
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed; it comes with the notebooks")
    from matplotlib.figure import Figure

    assert matplotlib.__version__
    axes = Figure().subplots()
    plot.panel(axes, made_result()["methods"], "covering")
    assert {text.get_text() for text in axes.texts} == {"a", "b"}
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    assert sorted(float(line.get_ydata()[0]) for line in marks) == [0.5, 0.625]
    assert [float(line.get_xdata()[0]) for line in marks] == [0.125, 0.125]


def test_no_name_covers_another_in_the_plot():
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; it comes with the notebooks")
    from matplotlib.figure import Figure

    methods = [made_result()["methods"][0] | {"name": f"method {i}", "seconds": 0.1 + 0.001 * i} for i in range(4)]
    figure = Figure()
    texts = plot.panel(figure.subplots(), methods, "covering")
    plot.part(figure, texts)
    boxes = [text.get_window_extent() for text in texts]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_the_report_is_three_files(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; it comes with the notebooks")
    paths = report.write_report(made_result(), tmp_path)
    assert [path.name for path in paths] == [f"quality-2026-01-02.{kind}" for kind in ("json", "md", "png")]
    assert json.loads(paths[0].read_text(encoding="utf-8")) == made_result()
    assert paths[1].read_text(encoding="utf-8") == report.table(made_result()) + "\n"
    assert read_image(paths[2]).std() > 5


def test_without_matplotlib_there_is_no_plot(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "missing", lambda names: list(names))
    paths = report.write_report(made_result(), tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert [path.suffix for path in paths] == [".json", ".md"]
