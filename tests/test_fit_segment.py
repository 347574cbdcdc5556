"""Fitting of the weights of `segment_tree`, on a small generated data set; no test looks at a clock."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # benchmarks are run from a checkout and never installed

from benchmarks import ablate_segment, fit_segment  # noqa: E402
from benchmarks.quality.data import pictures_of  # noqa: E402
from benchmarks.quality.generated import write_data_set  # noqa: E402
from benchmarks.segment_fit import ablation, logistic, validation  # noqa: E402
from benchmarks.segment_fit import model as model_of  # noqa: E402
from benchmarks.segment_fit.examples import (  # noqa: E402
    STATES,
    Example,
    Pairs,
    drawn_apart,
    merged_truth,
    pairs_of,
    roots_after,
    scene_of,
    truth_of,
)
from benchmarks.segment_fit.model import fitted_model, truth_of_nodes, widened  # noqa: E402
from benchmarks.segment_fit.scores import FIELDS, SCALES, cut_scores, partition_scores  # noqa: E402
from classicseg._kernels.cpu import segment_merge  # noqa: E402
from classicseg._segment_tree import Model, first_steps, read_model, tree_of  # noqa: E402
from classicseg._segment_walk import nodes_after, with_walk  # noqa: E402
from classicseg.metrics import region_scores  # noqa: E402


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    return write_data_set(tmp_path_factory.mktemp("data"), counts={"train": 3, "val": 1})


@pytest.fixture(scope="module")
def scenes(data_set):
    return [scene_of(picture) for picture in pictures_of(data_set) if picture.split == "train"]


@pytest.fixture(scope="module")
def model(scenes):
    return fitted_model(scenes, seed=1, n_trees=2)


def random_partition(rng, shape, count):
    regions = rng.integers(0, count, shape).astype(np.int32)
    regions.flat[:count] = np.arange(count)
    drawn = np.stack([rng.integers(3, 3 + k, shape) for k in (2, 4, 1)])
    return regions, drawn


def scores_of(features, weights):
    """What merging makes of features by weights as they are written."""
    plain, curved, largest = np.split(weights[:-1], 3)
    features = np.minimum(features, largest)
    return features @ plain + np.sqrt(np.maximum(features, 0)) @ curved + weights[-1]


# What people drew, counted


def test_probability_of_being_drawn_apart_is_that_over_all_pairs_of_pixels(rng):
    regions, drawn = random_partition(rng, (6, 7), 4)
    ends = np.array([[0, 1], [1, 3], [2, 3]], np.int32)
    expected = [
        np.mean([(labels[regions == a][:, None] != labels[regions == b]).mean() for labels in drawn]) for a, b in ends
    ]
    assert_allclose(drawn_apart(truth_of(regions, drawn), ends), expected)


def test_counts_of_merged_regions_are_those_of_their_union(rng):
    regions, drawn = random_partition(rng, (6, 7), 5)
    steps = np.array([[1, 4], [0, 1], [2, 3]], np.int32)  # {0, 1, 4}, {2, 3}
    root = roots_after(steps, 5)
    assert_array_equal(root, [0, 0, 2, 2, 0])
    merged = merged_truth(truth_of(regions, drawn), root)
    assert_array_equal(merged.counts[[0, 2]], truth_of((root[regions] // 2).astype(np.int32), drawn).counts)
    assert not merged.counts[[1, 3, 4]].any()


def test_pairs_are_the_borders_of_every_state_and_states_count_alike(scenes):
    example = Example(scenes[0].start.described, scenes[0].truth)
    weights = read_model("plain").first
    pairs = pairs_of(example, weights)
    n_regions = len(example.described.area)
    states = [n_regions, *(state for state in STATES if state < n_regions)]
    assert pairs.features.shape == (len(pairs.apart), example.described.n_features())
    assert pairs.share.sum() == pytest.approx(len(states))
    assert ((pairs.apart >= 0) & (pairs.apart <= 1)).all()
    assert_allclose(pairs.apart[: len(example.described.ends)], drawn_apart(example.truth, example.described.ends))
    *_, ends, features = segment_merge.features_after(example.described, weights, n_regions - 5)
    assert_array_equal(pairs.features[-len(ends) :], features)


# Scores from counts


def test_scores_from_counts_equal_those_from_labels(rng):
    regions, drawn = random_partition(rng, (20, 30), 6)
    found = dict(zip(FIELDS, partition_scores(truth_of(regions, drawn)), strict=True))
    expected = region_scores(drawn, regions + 1)
    assert found["covered"] == pytest.approx(expected.covered)
    assert found["area"] == pytest.approx(expected.area)
    assert found["rand"] == pytest.approx(expected.probabilistic_rand_index)
    assert found["variation"] == pytest.approx(expected.variation_of_information)


def test_scores_of_one_annotator(rng):
    regions, drawn = random_partition(rng, (9, 11), 3)
    expected = region_scores(drawn[0], regions + 1)
    assert partition_scores(truth_of(regions, drawn[:1]))[2] == pytest.approx(expected.probabilistic_rand_index)


def test_scores_of_cuts_equal_those_of_the_cuts_of_the_tree(data_set, scenes, model):
    from benchmarks.quality.data import read_truth

    picture = pictures_of(data_set)[0]
    tree = tree_of(scenes[0].start, model)
    found = cut_scores(scenes[0].truth, tree.merges - 1, tree.heights)
    assert len(found) == len(SCALES)
    for at in (0, 10, 24, 40, len(SCALES) - 1):
        expected = region_scores(read_truth(picture.truth).labels, tree.cut(scale=SCALES[at]))
        assert found[at, 0] / found[at, 1] == pytest.approx(expected.covering)
        assert found[at, 3] == pytest.approx(expected.variation_of_information)


def test_a_step_as_high_as_the_scale_is_not_taken(rng):
    """As in `RegionTree.cut`."""
    regions, drawn = random_partition(rng, (6, 7), 3)
    truth = truth_of(regions, drawn)
    found = cut_scores(truth, np.array([[0, 1], [0, 2]], np.int32), np.array([SCALES[3], SCALES[8]]))
    assert_array_equal(found[3], partition_scores(truth))
    assert_array_equal(found[4], found[8])
    assert (found[4] != found[3]).any()
    assert (found[9] != found[8]).any()


# Regression


def test_lowest_loss_is_where_no_allowed_step_goes_down(rng):
    columns, share = rng.normal(size=(3000, 4)), rng.random(3000)
    answers = 1 / (1 + np.exp(columns[:, 0] - columns[:, 1] + columns[:, 2] - 0.5))
    rising = np.array([True, True, False, True])
    weights = logistic.lowest_loss(columns, answers, share, rising)
    chance = 1 / (1 + np.exp(-columns @ weights[:-1] - weights[-1]))
    slope = columns.T @ (share * (chance - answers)) + logistic.PENALTY * weights[:-1]
    assert (weights[:-1][rising] >= 0).all()
    assert weights[0] == 0
    assert weights[2] < 0
    assert_allclose(slope[weights[:-1] != 0], 0, atol=0.1)
    assert (slope[weights[:-1] == 0] > -0.1).all()
    assert (chance * share).sum() == pytest.approx((answers * share).sum(), abs=0.1)  # no penalty on the constant


def test_no_feature_but_sizes_lowers_the_score_where_it_rises(rng):
    """Of two features that are alike one alone would get a weight below 0."""
    base = rng.random(4000)
    features = np.column_stack([base + 0.05 * rng.random(4000), base, *rng.random((3, 4000))])
    apart = 1 / (1 + np.exp(-(9 * features[:, 0] - 6 * features[:, 1] - 3 * features[:, 3])))
    weights = logistic.fitted_weights(Pairs(features, apart, np.ones(4000)))
    steps = np.linspace(0, 1.2, 50)
    for k in range(5):
        line = np.full((50, 5), 0.5)
        line[:, k] = steps
        scores = scores_of(line, weights)
        if k < 2:
            assert (np.diff(scores) > -1e-9).all()
        elif k == 3:  # a size, of which a large one tells against
            assert (np.diff(scores[steps < 0.9]) < 0).all()
        assert_allclose(scores[steps > 1.1], scores[-1])  # beyond the largest value nothing counts


def test_weights_find_the_feature_that_tells_and_leave_constant_ones_alone(rng):
    features = np.column_stack([rng.random(4000), np.full(4000, 0.7), *rng.random((3, 4000))])
    apart = 1 / (1 + np.exp(-(4 * features[:, 0] - 2)))
    weights = logistic.fitted_weights(Pairs(features, apart, np.ones(4000)))
    assert_array_equal(weights[[1, 6]], 0)
    scores = scores_of(features, weights)
    assert np.corrcoef(scores, features[:, 0])[0, 1] > 0.98
    assert abs(1 / (1 + np.exp(-scores)) - apart).mean() < 0.05


def test_pairs_with_a_larger_share_count_as_often(rng, monkeypatch):
    monkeypatch.setattr(logistic, "PENALTY", 1e-3)  # it counts against the number of pairs
    monkeypatch.setattr(logistic, "LARGEST", 1.0)  # a share of the pairs, however much each counts
    features, apart, times = rng.random((50, 5)), rng.random(50), rng.integers(1, 4, 50)
    again = np.repeat(np.arange(50), times)
    weighed = logistic.fitted_weights(Pairs(features, apart, times.astype(float)))
    repeated = logistic.fitted_weights(Pairs(features[again], apart[again], np.ones(len(again))))
    assert_allclose(weighed, repeated, rtol=0.02)


# The model


def test_widened_weights_merge_as_before(scenes):
    first = read_model("plain").first
    described = scenes[0].start.described
    steps, _, scores = first_steps(described, first)
    nodes = nodes_after(described, steps)
    walked = with_walk(nodes, described, scores)
    steps, scores = segment_merge.merge_by_score(nodes.described, first)
    wide_steps, wide_scores = segment_merge.merge_by_score(walked, widened(first))
    assert walked.n_features() == nodes.described.n_features() + 1
    assert_array_equal(wide_steps, steps)
    assert_allclose(wide_scores, scores)


def test_drawn_pictures_count_as_often_as_they_are_drawn(rng, monkeypatch):
    pairs = [Pairs(np.full((2, 4), float(i)), np.zeros(2), np.ones(2)) for i in range(6)]
    fits = []
    monkeypatch.setattr(model_of, "fitted_weights", fits.append)
    model_of.drawn_fits(pairs, 3, rng)
    assert len(fits) == 3
    for fit in fits:
        assert fit.share.sum() == 2 * len(pairs)  # as many pictures as there are
        assert fit.share.max() > 1
        assert len(np.unique(fit.features)) * 2 == len(fit.features)
    assert len({fit.share.tobytes() for fit in fits}) > 1


def test_truth_of_nodes_is_that_of_their_regions(scenes):
    described = scenes[0].start.described
    nodes = nodes_after(described, first_steps(described, read_model("plain").first)[0])
    truth = truth_of_nodes(scenes[0].truth, nodes)
    assert len(truth.counts) == len(nodes.roots)
    for node in (0, len(nodes.roots) // 2, len(nodes.roots) - 1):
        assert_array_equal(truth.counts[node], scenes[0].truth.counts[nodes.node == node].sum(axis=0))


def test_a_model_is_that_of_its_seed(scenes, model):
    again, other = fitted_model(scenes, seed=1, n_trees=2), fitted_model(scenes, seed=2, n_trees=2)
    assert [len(tree) - len(model.first) for tree in model.trees] == [0, 0, 3, 3]
    assert_array_equal(model.first, again.first)
    for one, same, different in zip(model.trees, again.trees, other.trees, strict=True):
        assert_array_equal(one, same)
        assert (one != different).any()
    assert (model.trees[0] != model.trees[1]).any()  # drawn anew


def test_scores_of_these_tests_are_those_of_merging(scenes, model):
    example = scenes[0].start.described
    *_, features = segment_merge.features_after(example, model.first, 0)
    _, scores = segment_merge.merge_by_score(example, model.first, 1)
    assert scores[0] == pytest.approx(scores_of(features, model.first).min())


def test_fitted_weights_tell_what_was_drawn_apart(scenes, model):
    pairs = pairs_of(Example(scenes[0].start.described, scenes[0].truth), model.first)
    scores = scores_of(pairs.features, model.first)
    assert scores[pairs.apart > 0.9].mean() > scores[pairs.apart < 0.1].mean() + 2


# Cross-validation


@pytest.mark.parametrize("count", [1, 3, 5, 26])
def test_folds_hold_every_picture_once(count):
    found = list(validation.folds(count, 7))
    assert len(found) == min(count, validation.FOLDS)
    assert sorted(i for fold in found for i in fold) == list(range(count))
    if count > 5:
        assert found != list(validation.folds(count, 8))


def test_no_picture_is_segmented_by_a_model_that_saw_it(scenes, monkeypatch):
    seen, asked = [], []
    plain = read_model("plain")
    monkeypatch.setattr(validation, "fitted_model", lambda some, seed: seen.append({one.name for one in some}) or plain)
    monkeypatch.setattr(validation, "variants_of", lambda model: {"one tree": model})
    monkeypatch.setattr(
        validation, "tree_of", lambda start, model, _: asked.append((len(seen) - 1, start)) or tree_of(start, model)
    )
    scores = validation.unseen_scores(scenes, range(2))
    assert len(asked) == 2 * len(scenes)
    for fit, start in asked:
        (name,) = (scene.name for scene in scenes if scene.start is start)
        assert name not in seen[fit]
        assert len(seen[fit]) == len(scenes) - 1
    assert scores["one tree"].pictures == tuple(scene.name for scene in scenes)


# What each part is worth


def test_every_feature_is_of_one_cue(scenes):
    """The strength of the walk is of none: without it is a stage."""
    described = scenes[0].start.described
    walked = with_walk(nodes_after(described, np.empty((0, 2), np.int32)), described, np.zeros(len(described.ends)))
    for n_features, of_none in ((described.n_features(), []), (walked.n_features(), [9])):
        told = np.concatenate([np.arange(n_features)[list(columns)] for columns in ablation.CUES.values()])
        assert sorted([*told.tolist(), *of_none]) == list(range(n_features))


@pytest.mark.parametrize("cue", ["gradients along the border", "sizes"])
def test_what_is_left_out_gets_no_weight_and_changes_the_others(scenes, model, cue):
    columns = list(ablation.CUES[cue])
    blind = fitted_model(scenes, seed=1, n_trees=2, without=ablation.CUES[cue])
    for whole, weights in zip((model.first, *model.trees), (blind.first, *blind.trees), strict=True):
        linear, roots, _ = weights[:-1].reshape(3, -1)
        assert not linear[columns].any()
        assert not roots[columns].any()
        assert linear.any()
        assert (weights[:-1].reshape(3, -1)[:2] != whole[:-1].reshape(3, -1)[:2]).any()


def test_ablations_are_the_model_its_stages_and_one_fit_per_cue(scenes, monkeypatch):
    asked = []
    plain = read_model("plain")
    monkeypatch.setattr(ablation, "fitted_model", lambda some, seed, without: asked.append((seed, without)) or plain)
    monkeypatch.setattr(validation, "fitted_model", lambda some, seed: asked.append((seed, ())) or plain)
    found = ablation.fitted_ablations(scenes, 4)
    assert asked == [(4, ()), *((4, columns) for columns in ablation.CUES.values())]
    assert ablation.NAMES.keys() == validation.variants_of(plain).keys()
    names = [ablation.NAMES["both"], *(f"without {cue}" for cue in ablation.CUES)]
    assert list(found)[: len(names)] == names
    assert set(found) == {*names, *ablation.NAMES.values()}


def test_changes_are_over_the_whole_model(scenes):
    first = -read_model("plain").first  # which joins what is least alike
    models = read_model("fitted"), Model(first, (first,))
    good, bad = ([tree_of(scene.start, model) for scene in scenes] for model in models)
    scores = {"all": validation.scores_of(scenes, good), "less": validation.scores_of(scenes, bad)}
    for base, other in (("all", "less"), ("less", "all")):
        rows = {row.name: row for row in validation.rows_of(scores, base)}
        assert rows[base].gain == 0
        assert rows["all"].gain - rows["less"].gain > 0.05
        assert rows[other].gain == pytest.approx(np.mean(best_of(scores[other]) - best_of(scores[base])))
        assert rows[other].interval[0] <= rows[other].gain <= rows[other].interval[1]


def best_of(scores):
    """Covering of each picture at the scale that is best for all."""
    covered, area = scores.values["covered"], scores.values["area"]
    return (covered / area)[:, (covered.sum(axis=0) / area.sum(axis=0)).argmax()]


def test_ablation_command_writes_a_dated_table(data_set, tmp_path, capsys, monkeypatch):
    variants = {name: read_model("plain") for name in (ablation.NAMES["both"], "without sizes")}
    monkeypatch.setattr(ablation, "fitted_ablations", lambda some, seed: variants)
    ablate_segment.main(["--data", str(data_set), "--out", str(tmp_path), "--seeds", "2"])
    (path,) = tmp_path.glob("segment_ablation-????-??-??.json")
    result = json.loads(path.read_text(encoding="utf-8"))
    assert [row["name"] for row in result["rows"]] == list(variants)
    assert (result["pictures"], result["seeds"]) == (3, 2)
    text = path.with_suffix(".md").read_text(encoding="utf-8")
    assert text.strip() in capsys.readouterr().out
    assert "| without sizes |" in text
    assert "2 seeds" in text
    assert str(data_set) not in path.read_text(encoding="utf-8")  # results are public


# The command


def test_command_writes_weights_and_says_what_they_are_worth(data_set, tmp_path, capsys):
    out = tmp_path / "weights.json"
    fit_segment.main(["--data", str(data_set), "--out", str(out), "--seeds", "1"])
    printed = capsys.readouterr().out
    written, held = json.loads(out.read_text()), json.loads(fit_segment.OUT.read_text())
    assert written["plain"] == held["plain"]
    assert {len(tree) for tree in written["fitted"]["trees"]} == {len(tree) for tree in held["fitted"]["trees"]}
    for name in validation.variants_of(read_model("fitted")):
        assert f"| {name} |" in printed
    assert "1 pictures of val" in printed
    assert "wrote weights.json" in printed


def test_val_and_the_seeds_of_folds_change_no_weight(tmp_path, data_set):
    other = write_data_set(tmp_path / "other", counts={"train": 3, "val": 2})
    written = []
    for folder in (data_set, other):
        out = tmp_path / f"{folder.name}.json"
        fit_segment.main(["--data", str(folder), "--out", str(out), "--seeds", "0"])
        written.append(out.read_text())
    assert written[0] == written[1]


def test_a_picture_of_val_that_is_in_train_is_refused(data_set, scenes, model):
    unseen = validation.scores_of(scenes, [tree_of(scene.start, model) for scene in scenes])
    pictures = [picture for picture in pictures_of(data_set) if picture.split == "train"]
    with pytest.raises(SystemExit, match="must not share pictures"):
        fit_segment.verdict(unseen, model, pictures)


def test_the_weights_in_the_package_are_what_the_command_writes():
    text = fit_segment.OUT.read_text(encoding="utf-8")
    assert fit_segment.text_of(read_model("fitted"), fit_segment.OUT) == text
