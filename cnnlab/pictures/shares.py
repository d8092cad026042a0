"""How pictures and sentences write a probability."""


def share(probability: float) -> str:
    """94.1 %, and never 100 % where it is a little less."""
    if 0.9995 <= probability < 1:
        return "> 99.9 %"
    return "< 0.1 %" if 0 < probability < 0.0005 else f"{100 * probability:.1f} %"
