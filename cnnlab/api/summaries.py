"""Where the parameters are, as values that show themselves as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, overload

from cnnlab.accounting.architecture import Architecture, Row
from cnnlab.layers.base import times

if TYPE_CHECKING:
    import pandas as pd

    from cnnlab.accounting.explanation import Section
    from cnnlab.config.experiment import ExperimentConfig


@dataclass(frozen=True)
class ExplainedLayer:
    """One row of a summary with its derivation."""

    title: str
    row: Row
    sections: tuple[Section, ...]

    def as_dict(self) -> dict[str, Any]:
        """What `cnnlab summary NAME --explain LAYER --json` prints."""
        return {**asdict(self.row), "explanation": [asdict(section) for section in self.sections]}

    def __str__(self) -> str:
        lines = (f"{each.title}\n" + "\n".join(f"   {line}" for line in each.lines) for each in self.sections)
        return "\n\n".join([self.title, *lines])


class Summary:
    """Parameters, multiplications and receptive fields, layer by layer. Computed without Keras.

    >>> print(cnnlab.summary("cnn"))
    """

    def __init__(self, config: ExperimentConfig) -> None:
        self.config = config

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def architecture(self) -> Architecture:
        """Rows and totals as typed values."""
        return self.config.architecture

    @property
    def rows(self) -> tuple[Row, ...]:
        """One row per layer, in the order of computation."""
        return self.architecture.rows

    @property
    def total_params(self) -> int:
        return self.architecture.total_params

    @property
    def trainable_params(self) -> int:
        return self.architecture.trainable_params

    @property
    def macs(self) -> int | None:
        """Multiplications with weights for one image; None where a layer's are not known."""
        return self.architecture.macs

    @property
    def table(self) -> pd.DataFrame:
        """One row per layer, all columns in full precision; shapes without the batch axis."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows])

    @property
    def dataset_title(self) -> str | None:
        dataset = self.config.dataset
        return dataset.title if dataset else None

    def explain(self, layer: str) -> ExplainedLayer:
        """One layer's numbers worked out, step by step.

        Raises:
            UserError: there is no such layer.
        """
        from cnnlab.accounting.explanation import explain

        sections = explain(self.architecture, layer)
        pairs = zip(self.architecture.steps, self.rows, strict=True)
        step, row = next(pair for pair in pairs if pair[1].name == layer)
        shapes = " and ".join(map(times, step.input_shapes))
        title = f"{layer} of {self.name}: {row.type}, {shapes} → {times(row.output_shape)}"
        return ExplainedLayer(title, row, tuple(sections))

    def as_dict(self) -> dict[str, Any]:
        """What `cnnlab summary NAME --json` prints."""
        document = self.architecture.as_dict(self.name)
        layers = document.pop("layers")
        memory = self.config.training_memory
        return {**document, "training_memory": memory.as_dict(), "layers": layers}

    def as_text(self, *, wide: bool = False, markdown: bool = False, latex: bool = False) -> str:
        """The table as the command line prints it.

        Args:
            wide: all columns, to the last digit.
            latex: the table alone, for the package booktabs; the title is a comment.
        """
        from cnnlab.summary_tables.layers import conclusion, layer_table
        from cnnlab.summary_tables.text import latex_table, text_table

        title = (
            f"{self.name}: {times(self.architecture.input_shape)} → {times(self.architecture.output_shape)}"
        )
        headers, lines = layer_table(self.architecture, wide=wide)
        if latex:
            return f"% {title}\n{latex_table(headers, lines, left=2)}"
        return "\n".join(
            [
                f"### {title}\n" if markdown else title,
                text_table(headers, lines, left=2, markdown=markdown),
                "",
                conclusion(self.config),
            ]
        )

    def __str__(self) -> str:
        return self.as_text()

    def __repr__(self) -> str:
        return self.as_text()

    def _repr_html_(self) -> str:
        from tabulate import tabulate

        from cnnlab.summary_tables.layers import conclusion, layer_table

        headers, lines = layer_table(self.architecture, wide=False)
        align = ["left", "left", *["right"] * (len(headers) - 2)]
        table = tabulate(lines, headers, tablefmt="html", colalign=align, disable_numparse=True)
        sentences = conclusion(self.config).replace("\n", "<br>")
        return f"<b>{self.name}</b>{table}<p>{sentences}</p>"


class Summaries(Sequence[Summary]):
    """The summaries of several experiments."""

    def __init__(self, summaries: Sequence[Summary]) -> None:
        self._summaries = list(summaries)

    @overload
    def __getitem__(self, index: int) -> Summary: ...
    @overload
    def __getitem__(self, index: slice) -> Summaries: ...
    def __getitem__(self, index: int | slice) -> Summary | Summaries:
        found = self._summaries[index]
        return Summaries(found) if isinstance(found, list) else found

    def __len__(self) -> int:
        return len(self._summaries)

    def __iter__(self) -> Iterator[Summary]:
        return iter(self._summaries)

    def overview(self) -> list[dict[str, Any]]:
        """One mapping per experiment: experiment, dataset, input_shape, layers, params, …."""
        return [
            {
                "experiment": each.name,
                "dataset": each.config.dataset.name if each.config.dataset else "",
                "input_shape": times(each.architecture.input_shape),
                "layers": len(each.rows),
                "params": each.total_params,
                "trainable_params": each.trainable_params,
                "macs": each.macs,
            }
            for each in self._summaries
        ]

    @property
    def table(self) -> pd.DataFrame:
        """One row per experiment: experiment, dataset, input_shape, layers, params, …."""
        import pandas as pd

        return pd.DataFrame(self.overview())

    def as_text(self, *, markdown: bool = False, latex: bool = False) -> str:
        """Totals side by side, then stage by stage, as the command line prints them."""
        from cnnlab.summary_tables.side_by_side import stages_table, totals_table
        from cnnlab.summary_tables.text import latex_table, text_table

        configs = [each.config for each in self._summaries]
        tables = []
        for headers, lines in (totals_table(configs), stages_table(configs)):
            if latex:
                tables.append(latex_table(headers, lines))
                continue
            flat = [header.replace("\n", " ").strip() for header in headers]  # Markdown has no second line
            tables.append(text_table(flat if markdown else headers, lines, markdown=markdown))
        return "\n\n".join(tables)

    def as_dict(self) -> list[dict[str, Any]]:
        """What `cnnlab summary A B --json` prints."""
        return [each.as_dict() for each in self._summaries]

    def __str__(self) -> str:
        return self.as_text() if len(self) <= 4 else self.table.to_string(index=False)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from cnnlab.summary_tables.text import html_text

        return html_text(self.table)
