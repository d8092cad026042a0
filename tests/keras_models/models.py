"""Keras models as people write them: name → a function that builds one. None has names of its own."""

import keras
from keras import layers

CLASSES = 6


def lecture() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.3, seed=7),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def mobile() -> keras.Model:
    """Inverted residual blocks with a gate, as in MobileNetV3."""

    def block(x, filters, strides, *, gate):
        y = layers.Conv2D(3 * x.shape[-1], 1, use_bias=False)(x)
        y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
        y = layers.ZeroPadding2D(((0, 1), (0, 1)))(y) if strides == 2 else y
        padding = "valid" if strides == 2 else "same"
        y = layers.DepthwiseConv2D(3, strides=strides, padding=padding, use_bias=False)(y)
        y = layers.ReLU(6.0)(layers.BatchNormalization(epsilon=1e-3, momentum=0.999)(y))
        if gate:
            g = layers.GlobalAveragePooling2D(keepdims=True)(y)
            g = layers.Conv2D(4, 1, activation="relu")(g)
            y = layers.Multiply()([y, layers.Conv2D(y.shape[-1], 1, activation="hard_sigmoid")(g)])
        y = layers.BatchNormalization()(layers.Conv2D(filters, 1, use_bias=False)(y))
        return layers.Add()([x, y]) if strides == 1 and x.shape[-1] == filters else y

    image = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = block(x, 12, 2, gate=True)
    x = block(x, 12, 1, gate=False)
    x = layers.Concatenate()(
        [layers.SeparableConv2D(4, 3, padding="same")(x), layers.AveragePooling2D(3, 1, "same")(x)]
    )
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))


def efficient() -> keras.Model:
    """Initializers, regularizers and constraints that cnnlab's own language has no words for."""
    image = keras.Input((16, 16, 3))
    x = layers.Rescaling([1 / 0.229, 1 / 0.224, 1 / 0.225])(image)
    x = layers.Conv2D(
        4,
        3,
        kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal", seed=1),
    )(x)
    x = layers.BatchNormalization(gamma_initializer="zeros")(x)
    x = layers.Conv2D(4, 3, kernel_regularizer=keras.regularizers.OrthogonalRegularizer())(x)
    x = layers.Conv2D(4, 3, kernel_constraint="max_norm", bias_regularizer="l2")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(8, kernel_constraint=keras.constraints.MaxNorm(3, axis=0), activation="silu")(x)
    return keras.Model(image, layers.Dense(CLASSES)(x))


def recurrent() -> keras.Model:
    """The rows of an image as a sequence."""
    image = keras.Input((28, 28, 1))
    x = layers.Reshape((28, -1))(image)
    x = layers.Bidirectional(layers.LSTM(5, return_sequences=True))(x)
    x = layers.GRU(6)(layers.TimeDistributed(layers.Dense(4))(x))
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))


def transformer() -> keras.Model:
    """Patches, attention and dense layers that act on each patch alone."""
    image = keras.Input((28, 28, 1))
    x = layers.Reshape((16, 8))(layers.Conv2D(8, 7, strides=7)(image))
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4, dropout=0.1)(y, y)])
    y = layers.Dense(16, activation="gelu")(layers.LayerNormalization()(x))
    x = layers.Add()([x, layers.Dense(8)(y)])
    x = layers.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d")(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))


def sequences() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Reshape((8, 16)),
            layers.Conv1D(8, 3, padding="causal", activation="relu"),
            layers.SpatialDropout1D(0.1),
            layers.GroupNormalization(4),
            layers.SeparableConv1D(6, 3),
            layers.MaxPooling1D(2),
            layers.Flatten(),
            layers.Dense(CLASSES),
            layers.Softmax(),
        ]
    )


def nested() -> keras.Model:
    """Models within models: one augments, one is a backbone."""
    backbone_input = keras.Input((14, 14, 4))
    x = layers.Conv2D(4, 3, padding="same")(backbone_input)
    backbone = keras.Model(backbone_input, layers.Add()([backbone_input, x]), name="backbone")
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)]),
            layers.Conv2D(4, 2, strides=2),
            backbone,
            layers.Flatten(),
            layers.Dense(CLASSES),
        ]
    )


def shared() -> keras.Model:
    """One convolution that is called three times, and a model that is called twice."""
    image = keras.Input((12, 12, 1))
    x = layers.Conv2D(4, 3, padding="same")(image)
    convolution = layers.Conv2D(4, 3, padding="same", activation="relu")
    for _ in range(3):
        x = convolution(x)
    twice = keras.Sequential([layers.Conv2D(4, 1), layers.BatchNormalization()], name="twice")
    x = layers.Average()([twice(x), twice(layers.MaxPooling2D(3, 1, "same")(x))])
    return keras.Model(image, layers.Dense(CLASSES)(layers.GlobalMaxPooling2D()(x)))


def frozen() -> keras.Model:
    """Random features that are not trained, spectral normalization, and Add that stretches an axis."""
    image = keras.Input((10, 10, 3))
    x = layers.Conv2D(6, 3, trainable=False)(image)
    x = layers.SpectralNormalization(layers.Conv2D(6, 1))(x)
    x = layers.Add()([x, layers.GlobalAveragePooling2D(keepdims=True)(x)])
    x = layers.PReLU(shared_axes=[1, 2])(layers.UnitNormalization()(x))
    x = layers.Conv2DTranspose(3, 2, strides=2)(x)
    return keras.Model(image, layers.Dense(CLASSES)(layers.Flatten()(layers.Resizing(6, 6)(x))))


def channels_first() -> keras.Model:
    image = keras.Input((3, 16, 16))
    x = layers.ZeroPadding2D(1, data_format="channels_first")(image)
    x = layers.MaxPooling2D(2, data_format="channels_first")(x)
    x = layers.Concatenate(axis=1)([x, layers.BatchNormalization(axis=1)(x)])
    return keras.Model(image, layers.Dense(CLASSES)(layers.Flatten(data_format="channels_first")(x)))


MODELS = {
    each.__name__: each
    for each in (
        lecture, mobile, efficient, recurrent, transformer, sequences, nested, shared, frozen, channels_first,
    )
}  # fmt: skip
