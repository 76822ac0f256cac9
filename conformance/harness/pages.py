"""Reports for people: one page about one run, one page about several, and a badge.

Each page is a single file that needs nothing else.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any

from conformance.harness.outcome import Status
from conformance.harness.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Run = dict[str, Any]
"""The contents of ``results.json``."""

_COLOURS: dict[str, str] = {
    Verdict.PROVEN: "#2e7d32",
    Verdict.FAILED: "#c62828",
    Verdict.NOT_OFFERED: "#607d8b",
    Verdict.NOT_JUDGED: "#6a1b9a",
}

_TEST_COLOURS: dict[str, str] = {
    Status.FAIL: "#c62828",
    Status.UNEXPECTED: "#6a1b9a",
    Status.ERROR: "#6a1b9a",
    Status.INCONCLUSIVE: "#6a1b9a",
    Status.EXPECTED: "#ad4e00",
    Status.REMARK: "#8a6100",
    Status.SKIP: "#607d8b",
}

_SHARES = (
    (100, "#2e7d32"),
    (90, "#558b2f"),
    (75, "#8a7a00"),
    (50, "#c75b00"),
    (0, "#c62828"),
)
"""The colour of a badge from each share of proven MUSTs on, in percent."""

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em }
table { border-collapse: collapse }
td, th { border-bottom: 1px solid #8884; padding: .3em .6em; text-align: left; vertical-align: top }
pre { background: #8882; padding: .6em; white-space: pre-wrap }
pre, code { overflow-wrap: anywhere }
td[id] { scroll-margin-top: 5em }
nav { background: Canvas; padding: .5em 0; position: sticky; top: 0 }
nav label { margin-right: 1em; white-space: nowrap }
.status { border-radius: 3px; color: white; padding: .05em .45em; white-space: nowrap }
.whole { white-space: nowrap }
.number { text-align: right }
.wide { overflow-x: auto }
:root { color-scheme: light dark }
/* Tables of a phone: each requirement is a block of its own. */
@media (max-width: 46em) {
  td, th { padding: .3em }
  .wide { font-size: .85em }
  .requirements, .requirements tbody, .requirements tr, .requirements td { display: block }
  .requirements tr { border-bottom: 1px solid #8884; padding: .4em 0 }
  .requirements tr:has(th), .requirements tr[hidden] { display: none }
  .requirements td { border: 0; padding: .1em 0 }
  .requirements td.short { display: inline-block; margin-right: .8em }
  .requirements td[data-name]::before { content: attr(data-name) ": " }
  summary { overflow-wrap: anywhere }
}
""" + "".join(
    f".{status.replace(' ', '-')} {{ background: {colour} }}\n"
    for status, colour in (_COLOURS | _TEST_COLOURS).items()
)

# Hides the rows whose status is not ticked or that do not contain the words.
_FILTER = """
const boxes = [...document.querySelectorAll('nav input[type=checkbox]')];
const words = document.querySelector('nav input[type=search]');
function filter() {
  const shown = new Set(boxes.filter(box => box.checked).map(box => box.value));
  const wanted = words.value.toLowerCase();
  for (const row of document.querySelectorAll('tr[data-status]')) {
    const statuses = row.dataset.status.split(',');
    row.hidden = !statuses.some(status => shown.has(status)) ||
      !row.textContent.toLowerCase().includes(wanted);
  }
}
for (const input of [...boxes, words]) input.addEventListener('input', filter);
"""


def badge(run: Run) -> str:
    """A picture (SVG) that says how many of the MUSTs of what is offered are proven.

    It is for a run of the whole suite: of another one it would say less than is known.
    """
    musts = run["musts"]
    share = 100 * musts["proven"] // max(1, musts["offered"])  # 100 means all of them
    left, right = f"paexec protocol {run['specification']}", f"{share} % of MUSTs proven"
    colour = next(colour for least, colour in _SHARES if share >= least)
    at, width = 7 * len(left) + 12, 7 * (len(left) + len(right)) + 24
    text = 'y="14" fill="white" text-anchor="middle" font-family="sans-serif" font-size="11"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" '
        f'aria-label="{escape(left)}: {right}">'
        f'<rect width="{width}" height="20" rx="3" fill="#555"/>'
        f'<rect x="{at}" width="{width - at}" height="20" rx="3" fill="{colour}"/>'
        f'<text x="{at / 2}" {text}>{escape(left)}</text>'
        f'<text x="{(at + width) / 2}" {text}>{right}</text></svg>\n'
    )


def report(run: Run, spec_url: str) -> str:
    """The page about one run.

    Args:
        run: the content of ``results.json``.
        spec_url: where the built specification is, so that ids lead there; or nothing.
    """
    about = {
        "Verdict": run["verdict"],
        "Implementation": shlex.join(run["implementation"]),
        "Version": run["version"] or "(unknown)",
        "Specification": run["specification"],
        "Profile": run["profile"],
    }
    features = ", ".join(
        f"<span class=whole>{'' if there else 'no '}{name}</span>"
        for name, there in run["features"].items()
    )
    rows = "".join(f"<tr><th>{key}<td>{escape(value)}" for key, value in about.items())
    rows += f"<tr><th>Features<td>{features}"
    rows += "".join(f"<tr><th>Note<td>{escape(cause)}" for cause in run["causes"])
    tests: dict[str, list[dict[str, Any]]] = {}
    for test in run["tests"]:
        for name in test["requirements"]:
            tests.setdefault(name, []).append(test)
    body = "".join(
        f'<tr data-status="{entry["verdict"]}"><td class="short whole" id="{name}">'
        f"{_link(name, entry, spec_url)}<td class=short>{_pill(entry['verdict'])}"
        f"<td class=short>{entry['level']}<td>" + "".join(_cell(entry, tests.get(name, [])))
        for name, entry in run["requirements"].items()
    )
    return _page(
        f"{run['version'] or 'An implementation'}: conformance to the paexec protocol",
        f"<table>{rows}</table>{_chapters([run])}<h2>Requirements</h2>"
        f"{_navigation()}<table class=requirements>"
        f"<tr><th>Id<th>Verdict<th>Level<th>Requirement{body}</table>",
    )


def matrix(runs: Sequence[Run], names: Sequence[str]) -> str:
    """The page that shows several runs side by side.

    Args:
        runs: the contents of their ``results.json``.
        names: what to call them.
    """
    requirements: dict[str, Any] = {}
    for run in runs:
        requirements = run["requirements"] | requirements
    head = "".join(f"<th>{escape(name)}" for name in names)
    body = []
    for name, entry in sorted(requirements.items()):
        found = [
            run["requirements"].get(name, {}).get("verdict", Verdict.NOT_JUDGED) for run in runs
        ]
        body.append(
            f'<tr data-status="{",".join(found)}"><td class="short whole">{name}'
            f"<td class=short>{entry['level']}<td>{escape(entry['title'])}"
            + "".join(
                f'<td data-name="{escape(each)}">{_pill(status)}'
                for each, status in zip(names, found, strict=True)
            )
        )
    verdicts = "".join(
        f"<tr><th>{escape(name)}<td>{escape(run['verdict'])}<td>{escape(run['version'])}"
        for name, run in zip(names, runs, strict=True)
    )
    return _page(
        "Implementations of the paexec protocol",
        f"<table>{verdicts}</table>{_chapters(runs, names)}<h2>Requirements</h2>{_navigation()}"
        f"<table class=requirements><tr><th>Id<th>Level<th>Title{head}{''.join(body)}</table>",
    )


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>{body}<script>{_FILTER}</script></html>\n"
    )


def _pill(status: str) -> str:
    return f'<span class="status {status.replace(" ", "-")}">{status}</span>'


def _link(name: str, entry: Mapping[str, Any], spec_url: str) -> str:
    if not spec_url:
        return name
    return f'<a href="{escape(spec_url.rstrip("/"))}/{entry["chapter"]}.html#{name}">{name}</a>'


def _marked_up(sentence: str) -> str:
    """The markup of the specification's source, as far as its sentences use it."""
    html = re.sub("``(.+?)``", _code, escape(sentence))
    html = re.sub(":doc:`(.+?)`", r"chapter \1", html)
    return re.sub(":(?:need|ref):`(.+?)`", r'<a class=whole href="#\1">\1</a>', html)


def _code(found: re.Match[str]) -> str:
    """Mark up what programs read; an option stays on one line, longer texts may be broken."""
    return f"<code{' class=whole' if len(found[1]) < 20 else ''}>{found[1]}</code>"


def _navigation() -> str:
    boxes = "".join(
        f'<label><input type=checkbox checked value="{status}"> {_pill(status)}</label>'
        for status in _COLOURS
    )
    return f'<nav>{boxes}<input type=search placeholder="words" aria-label="words"></nav>'


def _cell(entry: Mapping[str, Any], tests: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"<b>{escape(entry['title'])}</b>. {_marked_up(entry['sentence'])}"
    if entry["reason"]:
        yield f"<p>Not tested: {escape(entry['reason'])}"
    if entry["reopened"]:
        yield "<p>Its tests were not reviewed since this sentence was changed."
    for test in tests:
        if test["status"] == Status.PASS:
            continue
        yield f"<details><summary>{_pill(test['status'])} <code>{escape(test['test'])}</code> "
        yield f"{escape(test['message'])}</summary>"
        if test["evidence"]:
            yield f"<pre>{escape(test['evidence'])}</pre>"
        yield f"<p>Again: <code>{escape(test['again'])}</code>"
        if test["recording"]:
            yield f"<p>Without pytest: <code>{escape(test['recording'])}</code>"
        yield "</details>"
    passed = [test["test"] for test in tests if test["status"] == Status.PASS]
    if passed:
        listed = "".join(f"<li><code>{escape(name)}</code>" for name in passed)
        yield f"<details><summary>{len(passed)} tests passed</summary><ul>{listed}</ul></details>"


def _chapters(runs: Sequence[Run], names: Sequence[str] = ("",)) -> str:
    """How many requirements of each chapter have which verdict, run by run."""
    counts: list[dict[str, Counter[str]]] = []
    for run in runs:
        rows: dict[str, Counter[str]] = {}
        for entry in run["requirements"].values():
            rows.setdefault(entry["chapter"], Counter())[entry["verdict"]] += 1
        for level in run["counts"]:
            rows[level] = Counter(run["counts"][level])
        counts.append(rows)
    width = len(Verdict)
    head = "".join(f"<th colspan={width}>{escape(name)}" for name in names) if any(names) else ""
    columns = "".join(f"<th>{verdict}" for _ in runs for verdict in Verdict)
    keys = dict.fromkeys(key for rows in counts for key in rows)
    body = "".join(
        f"<tr><td>{escape(key)}"
        + "".join(
            f"<td class=number>{rows.get(key, Counter())[verdict]}"
            for rows in counts
            for verdict in Verdict
        )
        for key in keys
    )
    return (
        f"<h2>Chapters</h2><div class=wide><table>{f'<tr><th>{head}' if head else ''}"
        f"<tr><th>Chapter{columns}{body}</table></div>"
    )
