"""What the columns of a comparison's tables are called, known before there is one; without commas."""

COLUMN_NAMES = (
    "Experiment", "Seeds", "Folds", "Parameters", "MACs", "Train", "Validation", "Test", "s/epoch",
    "95% CI", "Seconds", "Images/s", "Peak memory", "Points per 1,000 parameters",
)  # fmt: skip
