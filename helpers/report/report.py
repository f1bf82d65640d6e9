"""What a notebook works with: measures in, findings and blocks out, one record at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from helpers.plan import metrics
from helpers.report import (
    actions,
    basis,
    blocks,
    cards,
    charts,
    drawing,
    measured,
    opening,
    provenance,
    record,
    tables,
)
from helpers.report.blocks import Block
from helpers.report.charts.figure import Drawing
from helpers.report.findings import Finding, Missing, scorecard_frame
from helpers.report.measured import Measured
from helpers.report.scoring import Scoring
from helpers.report.voice import Voice

if TYPE_CHECKING:
    import pandas as pd

    from helpers.store.open import Store


class Report:
    """One chapter about one store and period.

    Attributes:
        chapter: File name of the notebook without its ending.
        store: The open store.
        period: The report's period.
        languages: Languages of every block, the first one shown in JupyterLab.
        metrics: The metric contract.
    """

    def __init__(
        self,
        chapter: str,
        *,
        data: str = "sample",
        store: str = "",
        period: str = "",
        run: str = "",
        languages: str = "en,zh",
        opened: Store | None = None,
        compute: Callable[..., pd.DataFrame] | None = None,
    ) -> None:
        """Open the store.

        Args:
            chapter: File name of the notebook without its ending.
            data: `sample`, a file, a folder, `env:NAME`, or the `prepared.json` of a run.
            store: Name of the store; a slug of the data when empty.
            period: As the run's arguments write it; the last complete month when empty.
            run: Folder or id of the run that executes the chapter; empty in JupyterLab.
            languages: Comma-separated.
            opened: A store that is open already.
            compute: Computes a metric; the registry of measures when not given.

        Raises:
            BadInput: The data can't be used, or have nothing in the period.
        """
        self.chapter = chapter
        self.languages = opening.read_languages(languages)
        self.store: Store = opened or opening.open_for(data, store, period)
        self.period = self.store.period
        self.metrics = metrics.load()
        self.notes = record.Notes()
        self._folder = opening.run_folder(run)
        self._scoring = Scoring(self.store, self.period, compute)
        self._voices = tuple(Voice(chapter, name, self.store.currency) for name in self.languages)
        self._noticed: dict[Missing, str] = {}

    # Measures and findings

    def measure(self, function: Callable[..., pd.DataFrame], **parameters: Any) -> Measured:
        """Call a measure for the report's store and period; never raises for a missing table."""
        from helpers.store.errors import MissingTable

        watched = measured.Watched(self.store)
        name, section = measured.measure_name(function), measured.plan_section(function)
        try:
            frame = function(watched, self.period, **parameters)
        except MissingTable as error:
            lack = Missing(error.table, error.columns, error.why)
            return Measured(name, None, lack, section=section)
        return Measured(name, frame, None, tuple(watched.read), section)

    def finding(self, metric: str, **scope: str) -> Finding:
        """A metric of the contract for the whole store, or for the scope that is named.

        Raises:
            LookupError: The metric's measure gives no such scope.
        """
        found = self.findings(metric)
        for one in found:
            if dict(one.scope) == scope:
                return one
        if found[0].value is None:
            return found[0]
        raise LookupError(f"{metric} has no scope {scope}; it has {[dict(f.scope) for f in found]}")

    def findings(self, *metric_ids: str) -> tuple[Finding, ...]:
        """Metrics of the contract, all their scopes; each becomes a fact of the record."""
        found = tuple(one for name in metric_ids for one in self._scoring.findings(name))
        self.notes.add_findings(found, self.chapter)
        return found

    def facts(
        self, metric: str, answer: Measured, scope: str | tuple[str, ...] = ()
    ) -> tuple[Finding, ...]:
        """Facts from a measured frame with the contract's columns, one a row.

        Args:
            metric: Id in the contract.
            answer: Its frame has `value` and, where known, the other columns of a metric.
            scope: Columns that name the part of the store; all that are not the contract's
                when not given.
        """
        if answer.empty:
            return ()
        names = (scope,) if isinstance(scope, str) else scope
        found = self._scoring.from_frame(metric, answer.frame, names or None)
        self.notes.add_findings(found, self.chapter)
        return found

    def parameter_facts(self, estimates: Mapping[str, Any], n: float | None = None) -> None:
        """Fitted parameters as facts.

        Args:
            estimates: Id (`bg_nbd.r`) to a number, or to anything with `value`, `low`, `high`
                and `standard_error` as attributes or keys.
            n: Customers that the fit rests on.
        """
        for name, estimate in estimates.items():
            self.notes.facts[name] = drawing.parameter_fact(
                name, estimate, n, self.period, self.chapter
            )

    def history(self, metric: str, **scope: str) -> list[dict[str, Any]]:
        """A metric in the last 13 periods: `period` (label) and `value`, oldest first."""
        return self._scoring.history(self.finding(metric, **scope))

    def target(self, metric: str) -> float | None:
        """The value that a metric should reach; None where no target binds."""
        row = self._scoring.targets.get(metric)
        return row.value if row else None

    # Words

    def verdict(self, key: str, finding: Finding | None = None, **values: Any) -> Block:
        """The chapter's one-sentence verdict; stands in the record and on the front page."""
        block = self.on_front(self._sentence("verdict", key, finding, values))
        self.notes.verdict = {
            voice.language: drawing.sentence_text(voice, key, finding, values)
            for voice in self._voices
        }
        return block

    def on_front(self, block: Block) -> Block:
        """Let a block stand on the front page, too; a notice does not."""
        if block.kind != "notice" and any(block.html.values()):
            self.notes.front[block.key] = {"key": block.key, "html": dict(block.html)}
        return block

    def headline(self, key: str, finding: Finding | None = None, **values: Any) -> Block:
        """The sentence that a section leads with; chosen by the finding's status."""
        return self._sentence("headline", key, finding, values)

    def sentence(self, key: str, finding: Finding | None = None, **values: Any) -> Block:
        """A sentence with computed numbers; nothing where one of them is missing."""
        return self._sentence("sentence", key, finding, values)

    def _sentence(
        self, kind: str, key: str, finding: Finding | None, values: Mapping[str, Any]
    ) -> Block:
        named = {name for name, value in values.items() if isinstance(value, Finding)}
        used = [values[name].metric for name in named] + ([finding.metric] if finding else [])
        self.notes.add_figures(drawing.sentence_figures(self._voices[0], key, finding, values))
        html = {
            voice.language: drawing.sentence_html(kind, voice, key, finding, values)
            for voice in self._voices
        }
        return Block(kind, key, html, tuple(dict.fromkeys(used)))

    # Cards, figures, tables, actions

    def cards(self, *metric_ids: str) -> Block:
        """KPI cards of metrics, the whole store's values, with the last 13 periods."""
        shown = []
        for name in metric_ids:
            finding = self.finding(name)
            card = {**finding.as_fact(self.chapter), "history": self._scoring.history(finding)}
            self.notes.cards[finding.id] = card
            self.notes.add_sheet(cards.history_sheet(card), self._voices)
            shown.append(card)
        html = {v.language: cards.cards_html(shown, v) for v in self._voices}
        return Block("cards", "cards", html, tuple(metric_ids))

    def trend(self, key: str, answer: Measured, **options: Any) -> Block:
        """Values over time; options are those of `charts.trend`, and `values`, `metric`."""
        return self._figure(key, answer, charts.trend, options)

    def bars(self, key: str, answer: Measured, **options: Any) -> Block:
        """Ranked values; options are those of `charts.bars`, and `values`, `metric`."""
        return self._figure(key, answer, charts.bars, options)

    def heatmap(self, key: str, answer: Measured, **options: Any) -> Block:
        """A grid; options are those of `charts.heatmap`, and `values`, `metric`."""
        return self._figure(key, answer, charts.heatmap, options)

    def waterfall(self, key: str, answer: Measured, **options: Any) -> Block:
        """A bridge; options are those of `charts.waterfall`, and `values`, `metric`."""
        return self._figure(key, answer, charts.waterfall, options)

    def stacked(self, key: str, answer: Measured, **options: Any) -> Block:
        """Shares over time; options are those of `charts.stacked`, and `values`, `metric`."""
        return self._figure(key, answer, charts.stacked, options)

    def curve(self, key: str, answer: Measured, **options: Any) -> Block:
        """A model beside what happened; options are those of `charts.curve`, and `values`."""
        return self._figure(key, answer, charts.curve, options)

    def _figure(
        self, key: str, answer: Measured, chart: Callable[..., Drawing], options: dict[str, Any]
    ) -> Block:
        values = options.pop("values", {})
        metric = options.pop("metric", None)
        if answer.empty:
            return self._notice(key, answer)
        if metric and "target" not in options and chart in (charts.trend, charts.bars):
            options["target"] = self.target(metric)
        used, rests_on = drawing.metrics_of(metric, values), basis.of(self.store, answer)
        drawn = {
            voice.language: drawing.figure(
                voice, self.chapter, key, rests_on, chart, options, values, used
            )
            for voice in self._voices
        }
        self.notes.add_figures(drawing.block_figures(self._voices[0], key, values))
        self.notes.add_sheet(next(iter(drawn.values()))[1], self._voices)
        html = {language: html for language, (html, _) in drawn.items()}
        return Block("figure", key, html, used)

    def table(
        self,
        key: str,
        answer: Measured,
        columns: Mapping[str, str],
        *,
        top: int = 15,
        intervals: Mapping[str, tuple[str, str]] | None = None,
        total: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
        metric: str | None = None,
    ) -> Block:
        """A table of the top rows; all rows can be downloaded.

        Args:
            key: Block of the catalogue; its `columns` are the headers.
            answer: The frame, in the order to show.
            columns: Column to unit, see `tables.Layout`.
            top: Rows on the page.
            intervals: Column to the columns of its low and high ends.
            total: Values of a last row, ruled off.
            values: Values of the title's placeholders.
            metric: Metric of the contract that the table is about.
        """
        if answer.empty:
            return self._notice(key, answer)
        said = values or {}
        layout = tables.Layout(columns, intervals or {}, top, total)
        self.notes.tables[key] = tables.table_record(self._voices, key, answer.frame, layout)
        self.notes.add_figures(drawing.block_figures(self._voices[0], key, said))
        self.notes.add_figures(drawing.row_figures(self._voices[0], key, answer, layout))
        self.notes.add_sheet(
            tables.table_sheet(self._voices[0], key, answer.frame, layout), self._voices
        )
        used, rests_on = drawing.metrics_of(metric, said), basis.of(self.store, answer)
        html = {
            voice.language: drawing.table(voice, self.chapter, key, rests_on, layout, said, used)
            for voice in self._voices
        }
        return Block("table", key, html, used, f"{self.chapter}-{key}")

    def scorecard(self, key: str, *metric_ids: str) -> Block:
        """Metrics of the contract in one table: value, changes, target, status; all are facts.

        Metrics that the store can't say are left out: the cards and sections say what they need.
        """
        found = [one for one in self.findings(*metric_ids) if not one.scope and not one.missing]
        columns = {
            "metric": "metric", "value": "by_metric", "change": "+by_metric",
            "change_last_year": "+by_metric", "target": "by_metric", "status": "status",
        }  # fmt: skip
        answer = Measured("evaluation.scorecard", scorecard_frame(found), section="4.4")
        ends = {"value": ("low", "high")}
        return self.table(key, answer, columns, intervals=ends, top=len(found))

    def actions(
        self,
        key: str,
        answer: Measured,
        *,
        count: str | None = None,
        worth: str | None = None,
        low: str | None = None,
        high: str | None = None,
        top: int = 5,
        per_year: float = 1,
        claim: bool = False,
        values: Mapping[str, Any] | None = None,
    ) -> Block:
        """What to do: one sentence a row (the block's `item`), ranked as the frame is.

        Args:
            key: Block of the catalogue.
            answer: One row an action, most urgent first.
            count: Column that says how many customers or things.
            worth: Column of the money at stake; `low` and `high` are its interval.
            low: Lower end of the money.
            high: Upper end of the money.
            top: Most actions shown.
            per_year: How often a year the money comes: 12 where it is a month's.
            claim: Whether the money rests on an assumption or on what the plan says of other shops;
                such actions stand behind the others on the front page.
            values: Values of the title's placeholders.
        """
        if answer.empty:
            return self._notice(key, answer)
        names = {"count": count, "worth": worth, "low": low, "high": high}
        frame = answer.frame.head(top)
        found = actions.action_records(self._voices, key, frame, names, self.chapter)
        for one in found:
            self.notes.add_figures(one.pop("figures"))
        self.notes.add_figures(drawing.block_figures(self._voices[0], key, values or {}))
        self.notes.actions[key] = [{**one, "per_year": per_year, "claim": claim} for one in found]
        html = {
            voice.language: actions.actions_html(
                voice, key, found, voice.title_html(key, values or {})
            )
            for voice in self._voices
        }
        return Block("actions", key, html)

    def _notice(self, key: str, answer: Measured) -> Block:
        """Why a block is not shown; a lack that another block has told is not told again."""
        if answer.missing:
            self.notes.add_missing(key, answer.missing)
            if self._noticed.setdefault(answer.missing, key) != key:
                return Block("notice", key, dict.fromkeys(self.languages, ""))
        html = {
            voice.language: drawing.notice(voice, key, answer.missing) for voice in self._voices
        }
        return Block("notice", key, html)

    @staticmethod
    def show(*shown: Block) -> Block:
        """Several blocks as one output of a cell, in order."""
        return blocks.together(shown)

    def more(self, *shown: Block) -> Block:
        """Blocks folded away under their names until a reader opens them; paper has the names.

        A notice stays in sight, so that nobody opens what is not there.
        """
        return blocks.together([self._folded(block) for block in shown])

    def _folded(self, block: Block) -> Block:
        if block.kind not in ("figure", "table"):
            return block
        html = {
            voice.language: blocks.folded(voice.block_name(block.key), block.html[voice.language])
            for voice in self._voices
        }
        return replace(block, html=html)

    @staticmethod
    def row(*shown: Block) -> Block:
        """Several blocks side by side where the page is wide."""
        return blocks.together(shown, "sr-row")

    # The record

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """Records of the run's other chapters; in JupyterLab those of the store's latest run."""
        folder = self._folder or opening.latest_run(self.store.name)
        found = record.read_records(folder) if folder else {}
        return {name: one for name, one in found.items() if name != self.chapter}

    def verdicts(self) -> Measured:
        """The run's other chapters in one sentence each; see `record.verdicts_frame`."""
        others = [name for name in opening.chapters() if name != self.chapter]
        return Measured("report.verdicts", record.verdicts_frame(self.records, others))

    def record(self) -> record.RecordOutput:
        """The chapter's last output: its record, written into the run's folder in a run."""
        found = {
            "schema": record.SCHEMA,
            "chapter": self.chapter,
            "store": self.store.name,
            "period": provenance.period(self.store),
            **self.notes.as_json(),
            **provenance.of(self.store),
        }
        if self._folder:
            record.write_record(found, self._folder)
        return record.RecordOutput(found)
