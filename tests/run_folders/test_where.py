import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.errors import UserError
from cnnlab.run_folders.listing import KEYS, parse_condition, sort_rows

ROW = dict.fromkeys(KEYS) | {
    "name": "cnn", "seed": 3, "state": "finished", "test_accuracy": 0.985, "params": 137_660,
    "started": "2026-11-21T08:14:58+00:00",
    "model.layers.conv2d_1.kernel_size": [3, 3], "model.layers[0].filters": 8,
    "model.padding": [[1, 1], [1, 1]], "training.optimizer": {"name": "adam", "epsilon": 1e-7},
    "model.layers.residual_1/conv2d_1.use_bias": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ("test_accuracy > 0.98", True),
        ("test_accuracy>98%", True),
        ("test_accuracy >= 98.5%", True),
        ("test_accuracy < .985", False),
        ("test_accuracy <= 9.85e-1", True),
        ("name = cnn", True),
        ("name == 'cnn'", True),
        ('name = "dnn"', False),
        ("name != dnn", True),
        ("state = finished and seed = 3", True),
        ("state = failed or seed = 3 and params > 1e6", False),
        ("(state = failed or seed = 3) and params < 200_000", True),
        ("not (state = failed)", True),
        ("not state = finished", False),
        ("started > 2026-11-20", True),
        ("started > '2026-11-22'", False),
        ("error = null", True),
        ("test_accuracy != null", True),
        ("validation_accuracy > 0", False),
        ("validation_accuracy < 1", False),
        ("validation_accuracy != 0.5", False),
        ("validation_accuracy = null", True),
        ("seed = 3 AND NOT state = failed", True),
        ("model.layers.conv2d_1.kernel_size = 3", True),
        ("model.layers.conv2d_1.kernel_size = [3, 3]", True),
        ("model.layers.conv2d_1.kernel_size != [3,3]", False),
        ("model.layers.conv2d_1.kernel_size = 4", False),
        ("model.layers.conv2d_1.kernel_size > 2", False),
        ("model.padding = 1", True),
        ("model.padding = [[1, 1], [1, 1]]", True),
        ("model.padding = [1, 1]", False),
        ("seed = true", False),
        ("model.layers.residual_1/conv2d_1.use_bias = 1", False),
        ("training.optimizer = adam", True),
        ("training.optimizer != adam", False),
        ("training.optimizer != sgd", True),
        ("training.optimizer = null", False),
        ("model.layers[0].filters = 8", True),
        ("model.layers.residual_1/conv2d_1.use_bias = true", True),
        ("name > 3", False),
        ("name = 3", False),
        ("seed > null", False),
    ],
)
def test_conditions(condition, met):
    assert parse_condition(condition, KEYS).met_by(ROW) is met


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("", "column 1: expected a key such as test_accuracy, found the end"),
        ("test_acuracy > 1", "column 1: unknown key; did you mean test_accuracy?, found 'test_acuracy'"),
        ("test_accuracy > 98", "column 17: expected a share, such as 0.98 or 98%, found '98'"),
        (". = 1", "column 1: unknown key; known: "),
        ("seed", "column 5: expected =, !=, <, <=, > or >= after seed, found the end"),
        ("seed >", "column 7: expected a value after >, found the end"),
        ("seed > > 3", "column 8: expected a value after >, found '>'"),
        ("seed = 3 state = failed", "column 10: expected 'and', 'or' or the end, found 'state'"),
        ("(seed = 3", "column 10: expected ), found the end"),
        ("3 = seed", "column 1: expected a key such as test_accuracy, found '3'"),
        ("seed = 3 & x", "column 10: expected a key, a value or a comparison, found '&'"),
        ("__import__('os')", "column 1: unknown key; known: "),
    ],
)
def test_mistakes_are_located(condition, message):
    with pytest.raises(UserError) as caught:
        parse_condition(condition, KEYS)
    assert str(caught.value).startswith(f"--where {condition}: {message}")


@given(st.text(alphabet="seed=<>! ()andornot'\"0123.%_", max_size=30))
def test_whatever_is_typed_is_a_condition_or_a_user_error(text):
    try:
        condition = parse_condition(text, KEYS)
    except UserError:
        return
    assert condition.met_by(ROW) in (True, False)


@given(
    st.recursive(
        st.builds(
            "seed {} {}".format, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.integers(0, 6)
        ),
        lambda inner: st.one_of(
            st.builds("({} and {})".format, inner, inner),
            st.builds("({} or {})".format, inner, inner),
            st.builds("not ({})".format, inner),
        ),
        max_leaves=8,
    )
)
def test_it_means_what_python_would_mean(text):
    assert parse_condition(text, KEYS).met_by(ROW) is bool(eval(text, {"seed": 3}))


def test_what_lacks_the_key_comes_last():
    rows = [
        dict.fromkeys(KEYS) | {"seed": seed, "test_accuracy": each}
        for seed, each in enumerate((0.5, None, 0.9))
    ]
    assert [row["seed"] for row in sort_rows(rows, "test_accuracy")] == [0, 2, 1]
    assert [row["seed"] for row in sort_rows(rows, "-test_accuracy")] == [2, 0, 1]


def test_numbers_lists_and_texts_can_be_sorted():
    rows = [{"training.learning_rate": each} for each in ("schedule", 0.1, None, 0.01, [11, 3], [5, 5])]
    values = [row["training.learning_rate"] for row in sort_rows(rows, "training.learning_rate")]
    assert values == [0.01, 0.1, [5, 5], [11, 3], "schedule", None]


def test_a_condition_says_what_it_asks_for():
    condition = parse_condition("training.epochs < 5 or not (seed = 1 and training.amsgrad = true)", KEYS)
    assert condition.keys == {"training.epochs", "training.amsgrad", "seed"}
    assert condition.met_by({"training.epochs": 20, "seed": 1, "training.amsgrad": False})
    assert not condition.met_by({"training.epochs": 20, "seed": 1, "training.amsgrad": True})
