import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.datasets import DATASETS
from cnnlab.datasets.content import Content, PixelScale, Provenance, digest
from cnnlab.datasets.splits import split, stratified
from cnnlab.errors import UserError


def content(count, *, channels=1, seed=0):
    """A set whose image k starts with the two bytes of the number k, so that every image can be told."""
    rng = np.random.default_rng(seed)
    images = rng.integers(256, size=(count, 4, 5, channels), dtype=np.uint8)
    images[:, 0, 0, 0], images[:, 0, 1, 0] = np.divmod(np.arange(count), 256)
    labels = rng.integers(3, size=count)
    provenance = Provenance("generated", "generated", "", "")
    return Content(images, labels, images[:7], labels[:7], provenance)


def numbers(part, *, channels_first=False):
    images = part.images.transpose(0, 2, 3, 1) if channels_first else part.images
    return (images[:, 0, 0, 0].astype(int) * 256 + images[:, 0, 1, 0]).tolist()


def config(**fields):
    return DATASETS["colors"](**fields)


@pytest.mark.parametrize(
    ("fields", "train", "validation"),
    [
        pytest.param({"train_size": 100, "validation_size": 50}, range(100), range(100, 150), id="follow"),
        pytest.param({"train_size": 100, "validation_size": 0.1}, range(100), range(100, 110), id="fraction"),
        pytest.param(
            {"train_size": 150, "validation_size": 50}, range(150), range(150, 200), id="just enough"
        ),
        pytest.param({"train_size": 100, "validation_size": 0}, range(100), range(0), id="none"),
        pytest.param({"validation_size": 0}, range(200), range(0), id="all, none"),
        pytest.param(
            {"train_size": 7, "validation_size": 0.5}, range(7), range(7, 11), id="3.5 rounds to even"
        ),
    ],
)
def test_validation_images_follow_where_enough_follow_and_are_views(fields, train, validation):
    source = content(200)
    data = split(source, config(**fields))
    assert numbers(data.train) == list(train)
    assert numbers(data.validation) == list(validation)
    assert np.shares_memory(data.train.images, source.train_images)
    assert len(validation) == 0 or np.shares_memory(data.validation.images, source.train_images)
    np.testing.assert_array_equal(data.train.labels, source.train_labels[: len(train)])
    assert data.test.images is source.test_images


@pytest.mark.parametrize("fields", [{"validation_size": 20}, {"train_size": 190, "validation_size": 20}])
def test_where_too_few_follow_a_stratified_part_is_cut_in_the_original_order(fields):
    source = content(200)
    data = split(source, config(**fields))
    used = fields.get("train_size", 200)
    train, validation = numbers(data.train), numbers(data.validation)
    assert len(validation) == 20
    assert train == sorted(train)
    assert validation == sorted(validation)
    assert sorted(train + validation) == list(range(used))
    np.testing.assert_array_equal(data.train.labels, source.train_labels[train])
    np.testing.assert_array_equal(data.validation.labels, source.train_labels[validation])


def test_the_cut_depends_on_the_seed_and_on_nothing_else():
    first = numbers(split(content(200), config(validation_size=20, seed=1)).validation)
    again = numbers(split(content(200), config(validation_size=20, seed=1, scale=[-1, 1])).validation)
    other = numbers(split(content(200), config(validation_size=20, seed=2)).validation)
    assert first == again != other


@given(
    labels=st.lists(st.integers(0, 5), min_size=1, max_size=300),
    share=st.floats(0, 0.999),
    seed=st.integers(0, 2**40),
)
def test_a_stratified_draw_has_the_exact_count_and_each_class_its_share(labels, share, seed):
    labels = np.array(labels)
    count = int(share * len(labels))
    drawn = stratified(labels, count, seed=seed)
    assert drawn.sum() == count
    for each in np.unique(labels):
        exact = count * np.mean(labels == each)
        assert np.floor(exact - 1e-9) <= drawn[labels == each].sum() <= np.ceil(exact + 1e-9)
    np.testing.assert_array_equal(drawn, stratified(labels, count, seed=seed))


def test_a_draw_is_known_for_good():
    # A change of this list changes the validation images of every finished experiment.
    assert np.flatnonzero(stratified(np.arange(40) % 4, 8, seed=0)).tolist() == [2, 3, 11, 13, 18, 20, 21, 32]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"train_size": 201}, "dataset.train_size: expected at most 200 training images, found 201"),
        (
            {"train_size": 150, "validation_size": 150},
            "dataset.validation_size: expected fewer than the 150 training images used, found 150",
        ),
    ],
)
def test_a_source_that_turns_out_too_small_is_the_users_error(fields, message):
    with pytest.raises(UserError) as caught:
        split(content(200), config(**fields))
    assert str(caught.value).splitlines()[0] == message


def test_channels_first_moves_the_axes_without_a_copy():
    source = content(50, channels=3)
    data = split(source, config(train_size=30, validation_size=20, data_format="channels_first"))
    assert data.train.images.shape == (30, 3, 4, 5)
    assert numbers(data.train, channels_first=True) == list(range(30))
    assert np.shares_memory(data.train.images, source.train_images)
    assert data.pixels.apply(data.test.images).shape == (7, 3, 4, 5)


def test_pixels_are_divided_by_255_and_nothing_else_by_default():
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    pixels = split(content(10), config()).pixels
    assert pixels.factor.dtype == pixels.offset.dtype == np.float32
    assert pixels.apply(images).dtype == np.float32
    np.testing.assert_array_equal(pixels.apply(images), images.astype(np.float32) / 255)


def test_a_scale_maps_black_and_full_brightness_to_its_ends():
    pixels = split(content(10), config(scale=[-1, 3])).pixels
    scaled = pixels.apply(np.array([0, 51, 255], dtype=np.uint8).reshape(3, 1, 1, 1)).ravel()
    np.testing.assert_allclose(scaled, [-1, -0.2, 3], rtol=1e-6)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_standardized_training_pixels_have_mean_0_and_deviation_1_per_channel(data_format):
    source = content(200, channels=3)
    source.train_images[..., 1] //= 3
    data = split(source, config(validation_size=50, standardize=True, data_format=data_format))
    axes = (0, 1, 2) if data_format == "channels_last" else (0, 2, 3)
    scaled = data.pixels.apply(data.train.images).astype(np.float64)
    np.testing.assert_allclose(scaled.mean(axis=axes), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=axes), 1, rtol=1e-6)
    train = data.train.images.astype(np.float64) / 255
    np.testing.assert_allclose(data.pixels.factor.ravel(), 1 / train.std(axis=axes), rtol=1e-6)


def test_a_channel_of_one_value_is_centred_and_not_stretched():
    source = content(20, channels=3)
    source.train_images[..., 2] = 51
    pixels = split(source, config(validation_size=0, standardize=True)).pixels
    np.testing.assert_allclose(pixels.apply(source.train_images)[..., 2], 0, atol=1e-6)
    assert pixels.factor.ravel()[2] == 1


@given(st.integers(0, 255), st.floats(0.125, 10, width=32), st.floats(-5, 5, width=32))
def test_pixel_scale_is_its_formula(value, factor, offset):
    scale = PixelScale(np.float32([[[factor]]]), np.float32([[[offset]]]))
    images = np.full((1, 2, 2, 1), value, dtype=np.uint8)
    expected = (np.float32(value) / np.float32(255)) * np.float32(factor) + np.float32(offset)
    np.testing.assert_array_equal(scale.apply(images), np.full((1, 2, 2, 1), expected))


def test_the_digest_sees_pixels_labels_shapes_types_and_borders():
    images, labels = np.arange(12, dtype=np.uint8).reshape(3, 4), np.arange(3)
    variants = [
        (images, labels),
        (images, labels[::-1]),
        (images.reshape(4, 3), labels),
        (images, labels.astype(np.int32)),
        (images[:2], images[2:], labels),
        (images + 1, labels),
    ]
    assert len({digest(*each) for each in variants}) == len(variants)
    assert digest(np.asfortranarray(images), labels) == digest(images, labels)
