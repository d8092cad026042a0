"""Training: fit, evaluate, resume. One run from its config to its result."""
