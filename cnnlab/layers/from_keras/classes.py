"""What a config may name of Keras: its layers, initializers, regularizers, constraints and activations.

A closed list, so that a file never runs code: nothing is looked up by a path, and no name is imported that
is not here. Keras is not needed to check a file against it.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["layers", "initializers", "regularizers", "constraints"]
"""The last part of the module in which Keras exports a class."""

MODELS = ("Sequential", "Functional")

_LAYERS = """
    Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention AugMix AutoContrast
    Average AveragePooling1D AveragePooling2D AveragePooling3D
    AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D
    BatchNormalization Bidirectional CenterCrop Concatenate ContrastLimitedAdaptiveHistogramEqualization
    Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D
    Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D Dot Dropout ELU EinsumDense
    Embedding Equalization Flatten GRU GRUCell GaussianDropout GaussianNoise
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention Identity
    LSTM LSTMCell LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum
    MelSpectrogram Minimum MultiHeadAttention Multiply Normalization PReLU Permute Pipeline
    RMSNormalization RNN RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast
    RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue
    RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness
    RandomShear RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing STFTSpectrogram
    SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax Solarization
    SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells Subtract
    TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D
"""

REFUSED = {
    "Lambda": "it holds Python code, and a config never runs code; use a layer that Keras ships instead",
    "Layer": "it computes nothing; leave it out",
    "Wrapper": "it computes nothing; leave it out",
    **dict.fromkeys(
        ("FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"),
        "it holds code of another framework, and a config never runs code; use Keras's own layers instead",
    ),
    **dict.fromkeys(
        ("CategoryEncoding", "Discretization", "HashedCrossing", "Hashing", "IntegerLookup", "StringLookup",
         "TextVectorization", "ReversibleEmbedding"),
        "it is made for words and categories, not for images; leave it out",
    ),
    **dict.fromkeys(
        ("CutMix", "MaxNumBoundingBoxes", "MixUp"),
        "it changes labels too, and only sees the images here; leave it out",
    ),
}  # fmt: skip
"""Layers that Keras ships and a config may not name: why, and what to do."""

_ACTIVATIONS = """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear
    log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign
    sparse_plus sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
"""
ACTIVATIONS = frozenset(_ACTIVATIONS.split())

_INITIALIZERS = """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal
    RandomNormal RandomUniform STFT TruncatedNormal VarianceScaling Zeros
"""

ALLOWED: dict[Kind, frozenset[str]] = {
    "layers": frozenset(_LAYERS.split()),
    "initializers": frozenset(_INITIALIZERS.split()),
    "regularizers": frozenset(("L1", "L1L2", "L2", "OrthogonalRegularizer")),
    "constraints": frozenset(("MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm")),
}

DEFAULT_SETTINGS: dict[str, dict[str, object]] = {
    "Orthogonal": {"gain": 1.0},
    "RandomNormal": {"mean": 0.0, "stddev": 0.05},
    "RandomUniform": {"minval": -0.05, "maxval": 0.05},
    "TruncatedNormal": {"mean": 0.0, "stddev": 0.05},
    "VarianceScaling": {"scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal"},
}
"""Of initializers that have settings: what they are where only the name is given, such as orthogonal."""


def kind_of(key: str) -> Kind:
    """What an argument of a layer holds, if an object: kernel_initializer an initializer, cell a layer."""
    suffixes: dict[str, Kind] = {
        "_initializer": "initializers",
        "_regularizer": "regularizers",
        "_constraint": "constraints",
    }
    return next((kind for suffix, kind in suffixes.items() if key.endswith(suffix)), "layers")


def is_activation(key: str) -> bool:
    """Whether an argument of a layer is a function, such as activation or recurrent_activation."""
    return key == "activation" or key.endswith("_activation")
