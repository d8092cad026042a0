"""What a trained network has learned: each technique is a class with a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnlab.language.lazy_table import LazyTable

if TYPE_CHECKING:
    from cnnlab.explanations.technique import Technique

TECHNIQUES: LazyTable[Technique] = LazyTable(
    {
        "convolution": "cnnlab.explanations.convolution:Convolution",
        "kernels": "cnnlab.explanations.kernels:Kernels",
        "xo": "cnnlab.explanations.xo:XO",
        "filters": "cnnlab.explanations.filters:Filters",
        "features": "cnnlab.explanations.features:Features",
        "maximize": "cnnlab.explanations.maximize:Maximize",
        "examples": "cnnlab.explanations.examples:Examples",
        "deconvnet": "cnnlab.explanations.deconvnet:Deconvnet",
        "saliency": "cnnlab.explanations.saliency:Saliency",
        "occlusion": "cnnlab.explanations.occlusion:Occlusion",
        "dream": "cnnlab.explanations.dream:Dream",
        "style": "cnnlab.explanations.style:Style",
        "invariance": "cnnlab.explanations.invariance:Invariance",
        "mistakes": "cnnlab.explanations.mistakes:Mistakes",
        "confusion": "cnnlab.explanations.confusion:Confusion",
        "embedding": "cnnlab.explanations.embedding:Embedding",
        "equivalence": "cnnlab.explanations.equivalence:Equivalence",
    },
    group="cnnlab.techniques",
    base="cnnlab.explanations.technique:Technique",
    name_of=lambda technique: technique.name,
    required=("name", "summary", "explain"),
)
"""In the order of a lecture, from one kernel to what the whole network mistakes; then those of plug-ins."""
