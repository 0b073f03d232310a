"""`rt.show`: every equation is in the picture, and the picture is what it should be."""

import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import rtorch as rt
from rtorch.errors import ArgumentError
from rtorch.visual.build import Builder, Options
from rtorch.visual.graph import Box, Graph
from rtorch.visual.layout import lay_out

SVG = "{http://www.w3.org/2000/svg}"
ALL = Options(max_depth=3, max_equations=10_000, chains=False)


def loss(params, x):
    with rt.named_scope("hidden"):
        h = rt.tanh(x @ params["w"] + params["b"])
    return rt.sum(h * h)


PARAMS = {"w": rt.spec((3, 4)), "b": rt.spec(4)}


def loop(x):
    return rt.scan(lambda c, s: (rt.sin(c) + s, c), x, rt.ones((5, 3)))


def branches(x):
    y = rt.cond(rt.sum(x) > 0, rt.sin, lambda a: a - 1.0, x)
    return rt.while_loop(lambda c: rt.sum(c) < 9.0, lambda c: c * 2 + 1, y)


@rt.jit
def jitted(x):
    return rt.exp(x) + rt.jit(rt.cos)(x)


def long_chain(x, n=600):
    for _ in range(n // 3):
        x = rt.sin(x) * 2.0 + x
    return x


CASES = {
    "gradient": (rt.grad(loss), (PARAMS, rt.spec((2, 3)))),
    "scan": (loop, (rt.spec(3),)),
    "branches": (branches, (rt.spec(3),)),
    "jit": (jitted, (rt.spec(3),)),
    "constant": (lambda: rt.ones(3), ()),
    "identity": (lambda x: x, (rt.spec(3),)),
    "nothing": (lambda x: (), (rt.spec(3),)),
    "twice": (lambda x: (x + x, x + x, x), (rt.spec(()),)),
    "many results": (lambda x: rt.split(x, 6), (rt.spec(6),)),
}


def elements(drawing, tag, kind):
    return [e for e in ET.fromstring(drawing.svg).iter(SVG + tag) if kind in (e.get("class") or "")]


def graph_of(function, args, options=ALL):
    program = rt.make_program(function)(*args)
    names = [f"p{i}" for i in range(99)]
    return program, Builder(program, options).build(names, names)


def count(program):
    inner = [p for e in program.eqns for _, ps in e.prim.sub_programs(**e.params) for p in ps]
    frames = sum(bool(e.prim.sub_programs(**e.params)) for e in program.eqns)
    return len(program.eqns) - frames + sum(map(count, inner))


@pytest.mark.parametrize("name", CASES)
def test_every_equation_is_a_box(name):
    function, args = CASES[name]
    program, graph = graph_of(function, args)
    assert graph.count("op") == count(program)


@pytest.mark.parametrize("name", CASES)
def test_the_picture_is_well_formed(name):
    function, args = CASES[name]
    drawing = rt.show(function, *args)
    root = ET.fromstring(drawing.svg)
    assert root.tag == SVG + "svg"
    text = drawing.svg.lower()
    assert "href" not in text
    assert "url(" not in text
    assert "@import" not in text
    assert drawing._repr_svg_() == drawing.svg
    assert drawing.svg in drawing._repr_html_()


def overlaps(a: Box, b: Box) -> bool:
    apart = abs(a.x - b.x) >= (a.width + b.width) / 2 - 1e-6
    return not apart and a.y < b.y + b.height and b.y < a.y + a.height


def check_places(graph: Graph) -> None:
    for i, a in enumerate(graph.boxes):
        assert a.x - a.width / 2 >= -1e-6
        assert a.x + a.width / 2 <= graph.width + 1e-6
        assert a.y >= 0
        assert a.y + a.height <= graph.height + 1e-6
        assert not any(overlaps(a, b) for b in graph.boxes[i + 1 :])
        for inner in a.inner:
            assert inner.width < a.width
            assert inner.height < a.height
            check_places(inner)
    for wire in graph.wires:
        assert wire.source.y + wire.source.height < wire.target.y


@pytest.mark.parametrize("name", CASES)
def test_boxes_do_not_overlap_and_wires_point_down(name):
    _, graph = graph_of(*CASES[name])
    lay_out(graph)
    check_places(graph)


def test_names_types_and_lines():
    drawing = rt.show(rt.grad(loss), PARAMS, rt.spec((2, 3)))
    texts = [e.text for e in ET.fromstring(drawing.svg).iter(SVG + "text")]
    for wanted in ("params['w']", "params['b']", "x", "['b']", "f32[3,4]", "hidden", "tanh"):
        assert wanted in texts, wanted
    tips = "\n".join(e.text or "" for e in ET.fromstring(drawing.svg).iter(SVG + "title"))
    assert "test_show.py:" in tips
    assert "h = rt.tanh(x @ params" in tips
    assert len(elements(drawing, "g", "scope")) == 2  # forward and backward


def test_loops_and_branches_are_frames():
    assert len(elements(rt.show(*flat("scan")), "g", "frame")) == 1
    assert len(elements(rt.show(*flat("branches")), "g", "frame")) == 2
    folded = rt.show(*flat("scan"), max_depth=0)
    assert not elements(folded, "g", "frame")
    assert "equations inside" in folded.svg


def flat(name):
    function, args = CASES[name]
    return (function, *args)


def test_programs_and_lowered_functions():
    program = rt.make_program(rt.sin)(1.0)
    assert "sin" in rt.show(program).svg
    assert rt.show(jitted.lower(rt.spec(3))).svg.count("cos") >= 1
    assert repr(rt.show(jitted, rt.spec(3))).startswith("Drawing<jitted")


def test_long_programs_are_fast_and_share_boxes():
    start = time.perf_counter()
    drawing = rt.show(lambda x: long_chain(x, 600), rt.spec(3))
    assert time.perf_counter() - start < 5  # 0.1 s on an idle machine
    assert len(elements(drawing, "g", "op ")) < 600
    assert "operations" in drawing.svg
    cut = rt.show(lambda x: long_chain(x, 600), rt.spec(3), max_equations=20)
    assert "580 more equations" in cut.svg


def test_chains_keep_every_operation():
    program, graph = graph_of(lambda x: rt.sum(rt.exp(rt.sin(x) * 2.0)), (rt.spec(3),),
                              ALL._replace(chains=True))  # fmt: skip
    titles = [box.title for box in graph.boxes if box.kind == "op"]
    assert titles == ["sin → mul · 2 → exp", "reduce_sum"] or titles[0].startswith("sin → mul")
    assert len(program.eqns) == 4


def test_any_name_is_legal():
    @rt.named_scope("a<b>\x00&\ud800")
    def f(x):
        return rt.sin(x) + x

    ET.fromstring(rt.show(f, rt.spec(3)).svg.encode("utf-8"))


def test_dot():
    text = rt.show(*flat("branches")).dot
    assert text.startswith("digraph")
    assert text.count("{") == text.count("}")
    assert "subgraph cluster_" in text
    assert "f32[3]" in text


@pytest.mark.parametrize("suffix", [".svg", ".html", ".dot"])
def test_save(tmp_path: Path, suffix):
    path = tmp_path / f"f{suffix}"
    drawing = rt.show(rt.sin, rt.spec(3), path=path)
    assert path.read_text(encoding="utf-8") == getattr(drawing, suffix[1:])


def test_errors(tmp_path):
    with pytest.raises(ArgumentError, match=r"\[show\] path: expected a name that ends in .svg"):
        rt.show(rt.sin, rt.spec(3), path=tmp_path / "f.png")
    with pytest.raises(ArgumentError, match=r"\[show\] expected a Program or a function, got int"):
        rt.show(3)
    with pytest.raises(ArgumentError, match=r"\[show\] a Program takes no arguments"):
        rt.show(rt.make_program(rt.sin)(1.0), 2.0)
