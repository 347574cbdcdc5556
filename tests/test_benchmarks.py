"""Every benchmark case runs at its smallest size; no test looks at a clock."""

import dataclasses
import inspect
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # benchmarks are run from a checkout and never installed

from benchmarks import first_call, gpu, images, kmeans, machine, pipeline, runner, table  # noqa: E402
from benchmarks.__main__ import main as benchmarks_main  # noqa: E402
from benchmarks.memory import tree_megabytes  # noqa: E402
from benchmarks.registry import CASES, Agreement, Case, Contender, Context, Row, load_case  # noqa: E402
from benchmarks.summary import summary  # noqa: E402


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The folder of result files of one run of every case, by the command that users type."""
    pytest.importorskip("sklearn", reason="the peers are not installed; they come with the extra benchmarks")
    folder = tmp_path_factory.mktemp("results")
    command = [sys.executable, "-m", "benchmarks", *CASES, "--tiny", "--repeats", "2", "--out", str(folder)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder


@pytest.mark.parametrize("name", CASES)
def test_every_case_runs_and_its_contenders_agree(results, name):
    if reason := load_case(name).cannot_run():
        pytest.skip(reason)
    (path,) = results.glob(f"{name}-[0-9]*.json")
    result = json.loads(path.read_text())
    assert result["rows"]
    for row in result["rows"]:
        ran = {peer: found for peer, found in row["contenders"].items() if "times_s" in found}
        assert load_case(name).contenders[0].name in ran
        assert row["agrees"] or len(ran) == 1, row["agreement"]
        for found in ran.values():
            assert found["first_s"] > 0
            assert min(found["times_s"]) > 0
            assert found["peak_mb"] is None or found["peak_mb"] > 5


def test_results_tell_the_machine_and_no_private_name(results):
    import getpass
    import platform

    for path in results.glob("*.json"):
        text = path.read_text()
        result = json.loads(text)
        assert result["machine"].keys() == {"cpu", "processors", "memory_gb", "system"}
        assert {"python", "numpy", "numba", "classicseg"} <= result["versions"].keys()
        assert result["threads"] == 2
        assert str(ROOT) not in text
        assert platform.node() not in text.split('"')
        assert getpass.getuser() not in text.split('"')


def test_the_reference_pipeline_finds_the_spots_that_we_find(results):
    pytest.importorskip("flyr", reason="flyr is not installed; it comes with the extra benchmarks")
    pytest.importorskip("sklearn", reason="scikit-learn is not installed; it comes with the extra benchmarks")
    (path,) = results.glob("pipeline-[0-9]*.json")
    (row,) = json.loads(path.read_text())["rows"]
    assert not row["agreement"].startswith("0 of")
    assert ", 0 by one side only" in row["agreement"]


def test_every_case_lists_itself():
    listing = subprocess.run([sys.executable, "-m", "benchmarks"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in listing.stdout.splitlines()] == [*CASES, "quality"]


def test_a_case_that_cannot_run_here_says_why(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(gpu, "CASE", dataclasses.replace(gpu.CASE, cannot_run=lambda: "no GPU here"))
    benchmarks_main(["gpu", "--out", str(tmp_path)])
    assert capsys.readouterr().out == "gpu not run: no GPU here\n"
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_case_names_those_there_are():
    with pytest.raises(SystemExit, match="no benchmark 'reader'; there are read, kmeans"):
        load_case("reader")


def made_result(agrees=True, **peer):
    ours = {"first_s": 1.5, "times_s": [0.010, 0.020, 0.030], "peak_mb": 100.4, "facts": {}}
    row = {"row": "a.jpg", "agrees": agrees, "agreement": "same", "contenders": {"classicseg": ours, "flyr": peer}}
    where = {"cpu": "a processor", "processors": 2, "memory_gb": 8, "system": "Linux"}
    made = {"case": "read", "title": "Reading", "date": "2026-01-02", "machine": where, "versions": {"numpy": "2"}}
    return made | {"threads": 2, "data": "generated", "rows": [row]}


def test_ratios_are_paired_turn_by_turn():
    row = made_result(times_s=[0.10, 0.10, 0.90])["rows"][0]
    assert np.allclose(runner.paired_ratios(row, "flyr"), [10, 5, 30])


def test_table_shows_the_median_ratio():
    text = table.table(made_result(times_s=[0.10, 0.10, 0.90], peak_mb=55.0), [])
    assert "| a.jpg | 20.0 | 100 | 100.0 | 10.0× | 55 | same |" in text
    assert "Measured 2026-01-02 on a processor, 2 processors, 8 GB, 2 threads, generated (numpy 2)." in text


def test_no_ratio_is_claimed_without_agreement_or_peer():
    assert "×" not in table.table(made_result(agrees=False, times_s=[0.1, 0.1, 0.9], peak_mb=55.0), [])
    text = table.table(made_result(not_run="flyr is not installed"), [])
    assert "×" not in text
    assert "| not run: flyr is not installed |" in text


def test_median_and_worst_row_stand_beside_the_promise():
    result = made_result(times_s=[0.10, 0.10, 0.10])
    result["rows"].append(made_result(times_s=[0.30, 0.30, 0.30])["rows"][0])
    assert "flyr: median row 10.0×, worst row 5.0×; goal at least 7×." in table.table(result, [])


def test_rows_with_other_peers_make_a_table_of_their_own():
    result = made_result(times_s=[0.1, 0.1, 0.1], peak_mb=55.0)
    other = made_result(times_s=[0.2, 0.2, 0.2], peak_mb=66.0)["rows"][0]
    other["contenders"] = {"classicseg": other["contenders"]["classicseg"]}
    result["rows"] += [other | {"row": "b.jpg"}, result["rows"][0] | {"row": "c.jpg"}]
    lines = table.table(result, []).splitlines()
    heads = [i for i, line in enumerate(lines) if line.startswith("|  |")]
    assert ["flyr" in lines[i] for i in heads] == [True, False]
    assert [line.split(" | ")[0] for line in lines[heads[0] + 2 : heads[0] + 4]] == ["| a.jpg", "| c.jpg"]
    assert lines[heads[1] + 2] == "| b.jpg | 20.0 | 100 | same |"


def test_the_summary_has_a_line_per_peer_and_counts_its_goals():
    result = made_result(times_s=[0.10, 0.10, 0.10])
    for name, seconds in (("b.jpg", 0.12), ("c.jpg", 0.40)):
        result["rows"].append(made_result(times_s=[seconds] * 3)["rows"][0] | {"row": name})
    text = summary([result])
    assert "| Reading (`read`) | flyr | 5.0× | 6.0× | 20.0× | 3 | 1 of 3 |" in text
    assert text.endswith("2 processors, 8 GB, 2 threads, generated (numpy 2).")


def test_other_forms_of_ours_and_first_calls_are_no_lines_of_the_summary():
    result = works_result()
    names = {"sk": "scikit-learn", "plain": "plain form"}
    for row in result["rows"]:
        row["contenders"] = {names.get(name, name): found for name, found in row["contenders"].items()}
    cold = made_result(times_s=[0.1]) | {"case": "first_call", "title": "First call"}
    contenders = cold["rows"][0]["contenders"]
    cold["rows"][0]["contenders"] = dict(zip(("empty cache", "filled cache"), contenders.values()))
    text = summary([result, cold])
    assert "scikit-learn" in text
    assert "plain form" not in text
    assert "First call (`first_call`): empty cache 0.02 s, 100 MB; filled cache 0.10 s, 0 MB." in text


def works_result():
    """Two works: three images, and one where a peer gave another answer or did not run."""
    found = []
    for image, seconds in (("photo", 0.02), ("noise", 0.01), ("uniform", 0.03)):
        ours = {"first_s": 1.0, "times_s": [0.002, 0.001], "peak_mb": 100.4, "facts": {"n_iter": 10}}
        peer = {"first_s": 1.0, "times_s": [seconds], "peak_mb": 300.2, "facts": {"n_iter": 11}}
        contenders = {"classicseg": ours, **({"plain": peer} if image == "uniform" else {"sk": peer, "cv": peer})}
        row = {"row": f"a; {image}", "work": "a", "image": image, "goals": {"sk": 15, "plain": 1}, "agrees": False}
        found.append(row | {"apart": ["cv"] if image == "noise" else [], "contenders": contenders, "agreement": ""})
        found[-1]["agrees"] = not found[-1]["apart"]
    gone = {"classicseg": ours, "sk": {"not_run": "absent"}}
    found.append(found[0] | {"row": "b; photo", "work": "b", "contenders": gone})
    return made_result() | {"case": "kmeans", "rows": found}


def test_a_work_shows_the_worse_image_beside_its_goal():
    text = table.table(works_result(), [])
    times = "classicseg, ms: photo | classicseg, ms: noise | classicseg, ms: uniform"
    assert f"|  | {times} | sk | cv | plain | MB | iterations |" in text
    assert "| a | 1.0 | 1.0 | 1.0 | 10.0× (≥ 15) | other answer | 30.0× (≥ 1) | 100 / 300 (33%) | 10 / 11 |" in text
    assert "| b | 1.0 |  |  | not run |  |  | 100 | 10 |" in text
    assert "on the image where it is worse, and in brackets its goal" in text


def test_a_peer_with_another_answer_claims_nothing_and_the_others_do():
    row = made_result(times_s=[0.1, 0.1, 0.1])["rows"][0]
    row["contenders"]["other"] = {"times_s": [0.1, 0.1, 0.1]}
    row |= {"agrees": False, "apart": ["other"]}
    assert runner.paired_ratios(row, "other") == []
    assert np.allclose(runner.paired_ratios(row, "flyr"), [10, 5, 10 / 3])


def test_a_peer_that_worked_once_is_compared_with_each_of_our_turns():
    row = made_result(times_s=[0.3])["rows"][0]
    assert np.allclose(runner.paired_ratios(row, "flyr"), [30, 15, 10])


def test_stages_that_a_contender_timed_become_a_column():
    result = made_result(times_s=[0.1, 0.1, 0.1], peak_mb=55.0)
    result["rows"][0]["contenders"]["classicseg"]["facts"] = {"read_s": 0.5, "write_s": 1.26, "overlays": 3}
    text = table.table(result, [])
    assert "| classicseg, ms | read / write, s | MB |" in text
    assert "| a.jpg | 20.0 | 0.5 / 1.3 | 100 |" in text


def test_first_calls_are_no_race():
    result = made_result(times_s=[0.1]) | {"case": "first_call"}
    contenders = result["rows"][0]["contenders"]
    result["rows"][0]["contenders"] = dict(zip(("empty cache", "filled cache"), contenders.values()))
    text = table.table(result, [])
    assert "×" not in text
    assert "Each call is one of its own." in text


def test_every_public_function_has_its_first_call():
    import classicseg

    public = {name for name in classicseg.__all__ if inspect.isfunction(getattr(classicseg, name))}
    assert public - {"to_device"} <= {name.partition(",")[0] for name in first_call.FUNCTIONS}


def test_peers_agree_by_labels_and_sums_of_squares(tmp_path):
    image = np.arange(24, dtype=np.uint8).reshape(4, 6)[..., None].repeat(3, axis=2)
    np.save(tmp_path / "image.npy", image)
    row = Row("r", {"source": str(tmp_path / "image.npy"), "channels": "RGB"})
    labels = np.arange(24) // 12
    moved = np.where(np.arange(24) == 11, 1, labels)  # one pixel of 24 beside the border
    found = {"labels": labels, "n_iter": 3}
    same = kmeans.agree(row, {"classicseg": found, "scikit-learn": found, "plain form": found})
    assert same == Agreement(
        True,
        "scikit-learn labels 100.000% equal, inertia +0e+00; plain form labels 100.000% equal, inertia +0e+00",
    )
    other = kmeans.agree(row, {"classicseg": found, "scikit-learn": found, "faiss": {"labels": moved}})
    assert not other.agrees
    assert other.apart == ("faiss",)


def test_sum_of_squares_is_that_around_the_means():
    samples = np.array([[0.0, 1], [2, 1], [10, 5], [10, 9]])
    assert kmeans.spread(samples, np.array([0, 0, 1, 1])) == 2 + 8


@pytest.mark.parametrize("channels", ["RGB", "RGBxy", "Txy"])
def test_peers_get_the_features_that_ours_computes(channels):
    from classicseg import pixel_features

    image = images.temperatures(30, 40) if channels == "Txy" else images.photograph(30, 40)
    expected = np.asarray(pixel_features(image, channels)).reshape(-1, len(channels))
    assert np.allclose(kmeans.matrix(image, channels, np.float64), expected, rtol=1e-6)
    centers = kmeans.first_centers(image, channels, 7)
    nearest = np.abs(centers[:, None] - expected[None]).max(axis=2).min(axis=1)
    assert (nearest < 0.5).all()
    assert (centers % 1 != 0).all()
    assert len(np.unique(centers, axis=0)) == 7


def test_images_are_tiled_and_noise_keeps_their_dtype():
    photograph = images.photograph(600, 20)
    assert np.array_equal(photograph[:100], photograph[500:])
    grainy = images.noisy(photograph, 4)
    assert grainy.dtype == np.uint8
    middle = (photograph > 20) & (photograph < 235)  # not clipped
    difference = (grainy.astype(int) - photograph)[middle]
    assert abs(difference.std() - 4) < 0.2
    assert not np.array_equal(difference[: len(difference) // 2], difference[len(difference) // 2 :])
    warm = images.noisy(images.temperatures(300, 20), 4)
    assert warm.dtype == np.float32
    assert abs((warm - images.temperatures(300, 20)).std() - 4) < 0.2


def test_published_figures_are_no_ratio(tmp_path):
    path = tmp_path / "published.toml"
    path.write_text('[[row]]\ncase = "read"\npeer = "P"\nwhat = "w"\nfigure = "3 ms"\nsource = "doi:1"\n')
    (row,) = table.published_rows("read", path)
    text = table.table(made_result(not_run="absent"), [row])
    assert text.endswith("Published, other machine: P, w: 3 ms (doi:1).")
    assert table.published_rows("kmeans", path) == []


def test_readme_is_changed_between_the_marks_only(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"# a\n{table.START}\nold\n{table.END}\nb\n")
    table.write_between(readme, "new ×")
    assert readme.read_text(encoding="utf-8") == f"# a\n{table.START}\nnew ×\n{table.END}\nb\n"
    readme.write_text("no marks")
    with pytest.raises(SystemExit, match="must hold the marks"):
        table.write_between(readme, "new")
    assert readme.read_text() == "no marks"


def test_the_newest_result_is_shown(tmp_path):
    for date in ("2026-01-02", "2025-12-31"):
        (tmp_path / f"read-{date}.json").write_text(json.dumps({"case": "read", "date": date}))
    (tmp_path / "pipeline_memory-2026-01-01.json").write_text(json.dumps({"case": "pipeline_memory"}))
    assert [result.get("date") for result in table.newest_results(tmp_path)] == ["2026-01-02", None]


def case_of(**functions):
    contenders = [Contender(name, function) for name, function in functions.items()]
    return Case("threading", "t", contenders, lambda context: [], lambda row, outputs: Agreement(True, "yes"))


def test_a_missing_peer_is_told_and_the_others_run():
    case = load_case("threading")
    absent = Contender("absent", "pool", ("no-such-distribution",))
    case = Case("threading", "t", [case.contenders[0], absent], case.rows, case.agree)
    (row,) = case.rows(Context(ROOT, tiny=True))
    found = runner.run_row(case, row, repeats=1, threads=1)
    assert found["contenders"]["absent"] == {"not_run": "no-such-distribution is not installed"}
    assert len(found["contenders"]["pool of threads"]["times_s"]) == 1
    assert not found["agrees"]


def test_a_contender_that_fails_shows_its_traceback():
    case, row = case_of(broken="no_such_function"), Row("r", {})
    with pytest.raises(runner.WorkerFailed, match=r"broken ended with status 1:(.|\n)*no_such_function"):
        runner.run_row(case, row, repeats=1, threads=1)


def test_memory_of_a_process_and_of_its_children_counts():
    hungry = "b = bytearray(b'x') * 100_000_000; print(flush=True); input()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hungry!r}])"
    for script in (hungry, parent):
        with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            found = tree_megabytes(process.pid)
            process.communicate(b"\n")
        assert found is None or found > 100  # None where there is no /proc


def test_versions_tell_what_is_not_installed():
    assert machine.versions(["no-such-distribution"])["no-such-distribution"] == "not installed"
    assert machine.missing(["numpy", "no-such-distribution"]) == ["no-such-distribution"]


@pytest.mark.parametrize(
    ("spots", "text"),
    [
        ([[10, 20, 8.0]], "1 of 1 true spots, 0 by one side only, ΔT to 0.00 K"),
        ([[14, 20, 8.2]], "1 of 1 true spots, 0 by one side only, ΔT to 0.20 K"),
        ([[14, 20, 9.0]], None),
        ([[10, 30, 8.0]], None),
        ([], None),
    ],
)
def test_pipelines_agree_on_the_true_spots_only(tmp_path, spots, text):
    frames = [str(tmp_path / "a.jpg")]
    truth = {"a.jpg": [{"row": 10, "col": 20, "cut": False}, {"row": 90, "col": 90, "cut": True}]}
    (tmp_path / pipeline.TRUTH).write_text(json.dumps(truth))
    mine = {"frame": np.array(["a"]), "spot": np.array([[10.0, 20.0, 8.0]]), "overlays": np.array(1)}
    other = {"frame": np.array(["a"] * len(spots)), "spot": np.array(spots).reshape(-1, 3), "overlays": np.array(1)}
    agreement = pipeline.agree(Row("r", {"frames": frames}), {"classicseg": mine, "reference": other})
    assert agreement.agrees == (text is not None)
    if text:
        assert agreement.text == text
