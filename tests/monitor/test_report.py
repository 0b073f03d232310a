"""The report: one file that is safe, complete, and shown by a browser without complaint."""

import html
import html.parser
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

import rtorch as rt
from rtorch import errors, monitor, nn
from rtorch.monitor.charts import chart, ticks
from rtorch.monitor.markup import Markup, data, element
from rtorch.monitor.records import groups

RUN = "document.title='owned'"
HOSTILE = f'</script></style></pre><script>{RUN}</script><img src=x onerror="{RUN}">\'&\x00\ud800'
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--virtual-time-budget=2000",
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose every text is hostile."""
    folder, rng = tmp_path_factory.mktemp("run"), np.random.default_rng(0)
    with monitor.Run(folder, HOSTILE, config={HOSTILE: HOSTILE}, progress=False) as run:
        for step in range(200):
            run.log(step, train_loss=np.exp(-step / 50), negative=-step)
        run.log(200, {HOSTILE: 1.0, "valid_loss": 0.5, "broken": float("nan")})
        run.images(200, HOSTILE, rng.random((3, 3, 8, 8)), [HOSTILE, 1, ""])
        run.text(200, HOSTILE, HOSTILE)
        run.confusion(200, HOSTILE, rng.integers(0, 9, (3, 3)), [HOSTILE] * 3)
        run.heatmap(200, "attention", rng.random((50, 50)))
        run.histogram(200, HOSTILE, np.append(rng.normal(size=99), np.nan))
        run.model(nn.summary(nn.serial(nn.Linear(2)), rt.spec((1, 3))))
    run.report(folder / "report.html")
    return folder


class Page(html.parser.HTMLParser):
    """Counts elements, and notes what a page of ours must not have."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.handlers: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_file_needs_nothing_else_and_texts_stay_texts(run: Path) -> None:
    text = (run / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.handlers == []
    assert page.tags["script"] == 4  # data of three charts, our own program
    assert page.tags["img"] == 4
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert "script-src 'sha256-" in html.unescape(text)
    assert "<script>document" not in text


def test_all_parts_are_there(run: Path) -> None:
    text = (run / "report.html").read_text(encoding="utf-8")
    titles = re.findall("<h2>(.*?)</h2>", text)
    assert titles == ["Curves", "Samples", "Metrics", "Model", "Configuration", "Environment",
                      "Files"]  # fmt: skip
    for part in ("finished", "no finite values", "at step 200", "Linear", "samples.jsonl",
                 "and 1 values that are nan", "on the diagonal", rt.__version__):  # fmt: skip
        assert part in text


def test_a_run_that_goes_on_or_has_nothing_has_a_report(tmp_path: Path) -> None:
    with monitor.Run(tmp_path, progress=False) as run:
        run.report(tmp_path / "report.html", every=60)
        page = (tmp_path / "report.html").read_text()
        assert "running" in page
        assert "Curves" not in page
        run.log(0, loss=1.0)
        run.report(tmp_path / "report.html", every=60)
        assert (tmp_path / "report.html").read_text() == page
    monitor.report(tmp_path, tmp_path / "report.html")
    assert "Curves" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    "sample",
    [{"kind": "zz", "name": "a"}, {"kind": "matrix", "name": "a"}, {"kind": "text"},
     {"kind": "images", "name": "a", "items": [{"png": "\"><script>", "label": ""}]}],
)  # fmt: skip
def test_damaged_samples_are_named(tmp_path: Path, sample: dict[str, object]) -> None:
    with monitor.Run(tmp_path, progress=False):
        (tmp_path / "samples.jsonl").write_text(json.dumps({"step": 1, **sample}) + "\n")
    with pytest.raises(errors.FileFormatError, match=r"\[report\] the sample"):
        monitor.report(tmp_path, tmp_path / "report.html")


def test_no_run_no_report(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"\[report\]"):
        monitor.report(tmp_path, tmp_path / "report.html")


def test_markup_escapes_all_but_markup() -> None:
    made = element("p", "<b>", Markup("<i>"), title='"', data_x=1, class_="c", id=None)
    assert made == '<p title="&quot;" data-x="1" class="c">&lt;b&gt;<i></p>'
    assert data({"a": "</script>"}) == '{"a": "\\u003c/script\\u003e"}'


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0.1, 2.4, [0.5, 1, 1.5, 2]),
     (-5e4, 5e4, [-40000, -20000, 0, 20000, 40000]),
     (1e-9, 2e-9, [1e-9, 1.2e-9, 1.4e-9, 1.6e-9, 1.8e-9, 2e-9])],
)  # fmt: skip
def test_marks_are_round_numbers(low: float, high: float, expected: list[float]) -> None:
    np.testing.assert_allclose(ticks(low, high), expected)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=8))
@example([1e308, -1e308])
@example([5e-324, 1e-320])
@example([1e16, 1e16 + 2])
@example([0.0, 1e-300])
def test_any_numbers_have_a_chart(values: list[float]) -> None:
    columns = {"step": np.arange(len(values)), "loss": np.asarray(values)}
    for name, series in groups(columns).items():
        made = chart(name, series, 0)
        positions = re.findall(r'd="(.*?)"|(?:cx|cy|x1|y1)="(.*?)"', made)
        assert not any("nan" in text or "inf" in text for pair in positions for text in pair)


def browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def show(file: Path, profile: Path) -> tuple[str, list[str]]:
    """The document as a browser has it at the end, and what it wrote to its console."""
    program = browser() or pytest.skip("no Chromium")
    done = subprocess.run(
        [program, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", file.as_uri()],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"{program} does not start here: {done.stderr[-300:]}")
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_a_browser_shows_it_and_runs_no_text(run: Path, tmp_path: Path) -> None:
    document, console = show(run / "report.html", tmp_path)
    assert console == []
    assert "<title>owned" not in document
    assert document.count("<figure") == Page((run / "report.html").read_text()).tags["figure"]


def test_the_policy_lets_no_other_program_run(run: Path, tmp_path: Path) -> None:
    text = (run / "report.html").read_text(encoding="utf-8")
    foreign = f'<script>{RUN}</script><img src=x onerror="{RUN}"></main>'
    (tmp_path / "page.html").write_text(text.replace("</main>", foreign), encoding="utf-8")
    document, console = show(tmp_path / "page.html", tmp_path / "profile")
    assert "<title>owned" not in document
    assert any("Content Security Policy" in line for line in console)


def test_switches_and_the_pointer_work(run: Path, tmp_path: Path) -> None:
    """With the page's own policy taken away, so that a program of the test may move the pointer."""
    text = (run / "report.html").read_text(encoding="utf-8")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy".*?>', "", text)
    probe = """<script>
    const chart = document.querySelector(".chart:has(.log)"), svg = chart.querySelector("svg");
    const box = svg.getBoundingClientRect();
    const at = {clientX: box.left + box.width * 0.5, clientY: box.top + 50};
    svg.dispatchEvent(new PointerEvent("pointermove", at));
    document.body.dataset.tip = chart.querySelector(".tip").textContent;
    const shown = (kind) => getComputedStyle(svg.querySelector(".scale-" + kind)).display;
    document.body.dataset.before = shown("linear") + " " + shown("log");
    chart.querySelector(".log").click();
    document.body.dataset.after = shown("linear") + " " + shown("log");
    chart.querySelector("input[data-series='0']").click();
    const curve = svg.querySelector("[data-series='0']");
    document.body.dataset.off = getComputedStyle(curve).display;
    </script></body>"""
    (tmp_path / "page.html").write_text(text.replace("</body>", probe), encoding="utf-8")
    document, console = show(tmp_path / "page.html", tmp_path / "profile")
    assert re.search(r'data-tip="step \d+\ntrain  0\.\d+\nvalid  0\.5  \(step 200\)"', document)
    assert 'data-before="inline none"' in document
    assert 'data-after="none inline"' in document
    assert 'data-off="none"' in document
    assert not any(
        "pointermove" in line or "Error" in line for line in console if "owned" not in line
    )


def test_a_name_is_cut_and_turns_nothing_around_it(tmp_path: Path) -> None:
    with monitor.Run(tmp_path / "run", name="\u202e" + "N" * 3000, progress=False) as run:
        run.log(0, loss=1.0)
    monitor.report(tmp_path / "run", tmp_path / "x.html")
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert '<h1><span dir="auto">\u202e' in page
    assert "N" * 201 not in page.split("<h1>")[1]
