"""Where examples of each layer come from: random fields, and the shape of an input to put before it."""

from typing import Any

from hypothesis import strategies as st

Example = tuple[dict[str, Any], tuple[int, ...]]
"""The fields of a layer as a config gives them, and an input shape without the batch axis."""

PAIRS = st.integers(1, 3) | st.tuples(st.integers(1, 4), st.integers(1, 4)).map(list)
STRIDES = st.just(1) | PAIRS
PADDINGS = st.sampled_from(["valid", "same"])
FORMATS = st.sampled_from(["channels_last", "channels_first"])
ACTIVATIONS = st.sampled_from([None, "relu", "softmax", "gelu"])
RATES = st.floats(0, 0.9)
AXES = st.integers(-1, 3)
SIZES = st.integers(1, 9)
CHANNELS = st.integers(1, 6)
IMAGES = st.tuples(SIZES, SIZES, CHANNELS)
ROWS = st.tuples(st.integers(1, 40))


def of(inputs: st.SearchStrategy[tuple[int, ...]], **fields: st.SearchStrategy[Any]) -> Any:
    """Examples with any of the optional fields, and all of those that end in an underscore."""
    required = {name[:-1]: each for name, each in fields.items() if name.endswith("_")}
    optional = {name: each for name, each in fields.items() if not name.endswith("_")}
    return st.tuples(st.fixed_dictionaries(required, optional=optional), inputs)


BORDERS = st.integers(0, 2) | PAIRS.filter(lambda pair: isinstance(pair, list)) | st.just([[1, 0], [2, 1]])
FACTORS_OF_ERASING = st.floats(0, 1)
FACTORS = st.floats(-1, 1) | st.tuples(st.floats(-1, 0), st.floats(0, 1)).map(list)
SCALES = st.floats(0, 2)
CONVOLUTION = {
    "kernel_size_": PAIRS,
    "strides": STRIDES,
    "padding": PADDINGS,
    "dilation_rate": STRIDES,
    "activation": ACTIVATIONS,
    "use_bias": st.booleans(),
    "data_format": FORMATS,
}
POOLING = {"pool_size": PAIRS, "strides": STRIDES, "padding": PADDINGS, "data_format": FORMATS}
NORMALIZATION = {"center": st.booleans(), "scale": st.booleans()}
WARP = {
    "fill_mode": st.sampled_from(["reflect", "wrap", "constant", "nearest"]),
    "interpolation": st.sampled_from(["nearest", "bilinear"]),
    "data_format": FORMATS,
}

EXAMPLES: dict[str, st.SearchStrategy[Example]] = {
    "Activation": of(IMAGES | ROWS, activation_=ACTIVATIONS.filter(bool)),
    "AveragePooling2D": of(IMAGES, **POOLING),
    "BatchNormalization": of(IMAGES | ROWS, axis=AXES, **NORMALIZATION),
    "Conv2D": of(IMAGES, filters_=st.integers(1, 6), groups=st.integers(1, 3), **CONVOLUTION),
    "Conv2DTranspose": of(
        IMAGES, filters_=st.integers(1, 6), output_padding=st.none() | st.just(1), **CONVOLUTION
    ),
    "Cropping2D": of(IMAGES, cropping=BORDERS, data_format=FORMATS),
    "Dense": of(ROWS, units_=st.integers(1, 9), activation=ACTIVATIONS, use_bias=st.booleans()),
    "DepthwiseConv2D": of(IMAGES, depth_multiplier=st.integers(1, 3), **CONVOLUTION),
    "Dropout": of(IMAGES | ROWS, rate_=RATES),
    "ELU": of(IMAGES | ROWS, alpha=SCALES),
    "Flatten": of(IMAGES | ROWS, data_format=FORMATS),
    "GaussianNoise": of(IMAGES | ROWS, stddev_=SCALES),
    "GlobalAveragePooling2D": of(IMAGES, keepdims=st.booleans(), data_format=FORMATS),
    "GlobalMaxPooling2D": of(IMAGES, keepdims=st.booleans(), data_format=FORMATS),
    "Grayscale": of(st.tuples(SIZES, SIZES, st.just(3)) | IMAGES, data_format=FORMATS),
    "GroupNormalization": of(
        IMAGES | ROWS, groups_=st.sampled_from([-1, 0, 1, 2, 3]), axis=st.sampled_from([-1, 1, 2, 3]),
        **NORMALIZATION,
    ),
    "LayerNormalization": of(
        IMAGES | ROWS, axis=AXES | st.just([1, 2, 3]) | st.just([-1, -2]), **NORMALIZATION
    ),
    "LeakyReLU": of(IMAGES | ROWS, negative_slope=SCALES),
    "LocalResponseNormalization": of(IMAGES, depth_radius=st.integers(0, 3), data_format=FORMATS),
    "LocallyConnected2D": of(
        IMAGES, filters_=st.integers(1, 6), **CONVOLUTION
    ),
    "MaxPooling2D": of(IMAGES, **POOLING),
    "PReLU": of(IMAGES | ROWS, shared_axes=st.sampled_from([None, 1, [1, 2], [3]])),
    "Permute": of(IMAGES | ROWS, dims_=st.permutations([1, 2, 3]) | st.sampled_from([[1], [2], [1, 1, 2]])),
    "RandomCrop": of(IMAGES, height_=SIZES, width_=SIZES, data_format=FORMATS),
    "RandomFlip": of(
        IMAGES, mode=st.sampled_from(["horizontal", "vertical", "horizontal_and_vertical"]),
        data_format=FORMATS,
    ),
    "RandomErasing": of(IMAGES, factor=FACTORS_OF_ERASING, fill_value=st.none() | st.floats(0, 1)),
    "RandomRotation": of(IMAGES, factor_=FACTORS, **WARP),
    "RandomTranslation": of(IMAGES, height_factor_=FACTORS, width_factor_=FACTORS, **WARP),
    "RandomZoom": of(
        IMAGES, height_factor_=FACTORS, width_factor=st.none() | SCALES,
        **WARP,
    ),
    "ReLU": of(IMAGES | ROWS, max_value=st.none() | SCALES, negative_slope=SCALES, threshold=SCALES),
    "Rescaling": of(IMAGES | ROWS, scale_=st.floats(-2, 2), offset=st.floats(-1, 1)),
    "Reshape": of(
        st.just((4, 3, 2)) | IMAGES | ROWS,
        target_shape_=st.sampled_from([[24], [-1], [2, -1], [6, 4], [-1, -1], [3, -1, 2], [2, 3, 4]]),
    ),
    "SeparableConv2D": of(
        IMAGES, filters_=st.integers(1, 6), depth_multiplier=st.integers(1, 3), **CONVOLUTION
    ),
    "Softmax": of(IMAGES | ROWS, axis=AXES.filter(bool)),
    "SpatialDropout2D": of(IMAGES, rate_=RATES, data_format=FORMATS),
    "UpSampling2D": of(
        IMAGES, size=PAIRS, interpolation=st.sampled_from(["nearest", "bilinear"]), data_format=FORMATS
    ),
    "ZeroPadding2D": of(IMAGES, padding=BORDERS, data_format=FORMATS),
}  # fmt: skip
