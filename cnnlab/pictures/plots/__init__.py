"""Arrays and tables → matplotlib figures, which know nothing of files."""

from cnnlab.pictures.plots.accuracy import Measured, accuracy_against_parameters, accuracy_bars
from cnnlab.pictures.plots.confusion import confusion_matrices, confusion_matrix
from cnnlab.pictures.plots.curves import curve_panel, history_curves, overlaid_curves
from cnnlab.pictures.plots.histories import History
from cnnlab.pictures.plots.sheets import PredictedImages, answer_sheet, contact_sheet, only_one_right

__all__ = [
    "History",
    "Measured",
    "PredictedImages",
    "accuracy_against_parameters",
    "accuracy_bars",
    "answer_sheet",
    "confusion_matrices",
    "confusion_matrix",
    "contact_sheet",
    "curve_panel",
    "history_curves",
    "only_one_right",
    "overlaid_curves",
]
