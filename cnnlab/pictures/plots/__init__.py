"""Arrays and tables → matplotlib figures, which know nothing of files.

Every look is set on the figure itself: rcParams are one for all threads, even inside rc_context.
"""

from cnnlab.pictures.plots.accuracy import Measured, accuracy_against_parameters, accuracy_bars
from cnnlab.pictures.plots.confusion import confusion_matrices
from cnnlab.pictures.plots.curves import History, history_curves, overlaid_curves
from cnnlab.pictures.plots.look import COLORS
from cnnlab.pictures.plots.sheets import Answers, only_one_right, sheet

__all__ = [
    "COLORS",
    "Answers",
    "History",
    "Measured",
    "accuracy_against_parameters",
    "accuracy_bars",
    "confusion_matrices",
    "history_curves",
    "only_one_right",
    "overlaid_curves",
    "sheet",
]
