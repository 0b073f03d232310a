"""Pytrees: examples, laws, messages, and a comparison with JAX where it is installed."""

import copy
import dataclasses
import operator
import pickle
from collections import OrderedDict, defaultdict, namedtuple
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from rtorch import tree
from rtorch.core.tree_prefix import flatten_prefix
from rtorch.errors import ArgumentError, BatchAxisError, TreeError

Point = namedtuple("Point", ["x", "y"])


class Pair(NamedTuple):
    left: Any
    right: Any


@tree.register_dataclass
@dataclasses.dataclass
class Dense:
    weight: Any
    bias: Any = None
    width: int = dataclasses.field(default=8, metadata={"static": True})


class Span:
    def __init__(self, lo: Any, hi: Any, unit: Any = "m") -> None:
        self.lo, self.hi, self.unit = lo, hi, unit

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Span) and vars(self) == vars(other)

    __hash__ = None


tree.register_node(Span, lambda s: ((s.lo, s.hi), s.unit), lambda unit, c: Span(*c, unit))


class Named:
    def __init__(self, value: Any) -> None:
        self.value = value


tree.register_node(
    Named,
    lambda n: ((n.value,), None),
    lambda aux, c: Named(*c),
    lambda n: (((tree.GetAttrKey("value"), n.value),), None),
)


@tree.register_static
@dataclasses.dataclass(frozen=True)
class Mode:
    name: str


def message(error: pytest.ExceptionInfo[Any]) -> str:
    return str(error.value.args[0])


# Trees for the laws: every container, numbers for leaves.

LAW = settings(deadline=None, max_examples=80)

KEYS = st.text("abcd", max_size=2)


def containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    dicts = st.dictionaries(KEYS, children, max_size=3)
    lists = st.lists(children, max_size=3)
    return st.one_of(
        lists,
        lists.map(tuple),
        dicts,
        dicts.map(OrderedDict),
        dicts.map(lambda d: defaultdict(list, d)),
        st.dictionaries(KEYS | st.integers(0, 9), children, max_size=3),
        st.builds(Point, children, children),
        st.builds(Pair, children, children),
        st.builds(Dense, children, children, st.integers(1, 3)),
        st.builds(Span, children, children, st.sampled_from(["m", "s"])),
    )


LEAVES = st.integers() | st.floats(allow_nan=False)
EMPTY = st.none() | st.builds(Mode, st.sampled_from(["a", "b"]))
TREES = st.recursive(LEAVES | EMPTY, containers, max_leaves=12)


@LAW
@given(TREES)
def test_round_trip(t: Any) -> None:
    leaves, treedef = tree.flatten(t)
    again = tree.unflatten(treedef, leaves)
    assert again == t
    assert tree.structure(again) == treedef
    assert len(leaves) == treedef.num_leaves


@LAW
@given(TREES)
def test_map_keeps_identity_and_composition(t: Any) -> None:
    assert tree.map(lambda x: x, t) == t
    once = tree.map(lambda x: (2 * x) + 1, t)
    assert tree.map(lambda x: x + 1, tree.map(lambda x: 2 * x, t)) == once
    assert tree.map(lambda x, y: y, t, once) == once


@LAW
@given(TREES)
def test_treedefs_hash_pickle_and_copy(t: Any) -> None:
    treedef = tree.structure(t)
    other = tree.structure(tree.map(lambda x: 0, t))
    assert treedef == other
    assert hash(treedef) == hash(other) == hash(treedef)
    assert pickle.loads(pickle.dumps(treedef)) == treedef
    assert copy.deepcopy(treedef) == treedef
    assert repr(treedef) == repr(other)
    assert sum(child.num_leaves for child in treedef.children()) == (
        0 if treedef == tree.structure(0) else treedef.num_leaves
    )


@LAW
@given(TREES)
def test_paths_are_unique_and_in_the_order_of_leaves(t: Any) -> None:
    pairs, treedef = tree.flatten_with_path(t)
    leaves, expected = tree.flatten(t)
    assert treedef == expected
    assert [x for _, x in pairs] == leaves
    assert len({tree.keystr(path) for path, _ in pairs}) == len(leaves)
    assert len({path for path, _ in pairs}) == len(leaves)


@LAW
@given(TREES, TREES)
def test_transpose_twice_is_nothing(outer: Any, inner: Any) -> None:
    a, b = tree.structure(outer), tree.structure(inner)
    count = iter(range(1000))
    t = tree.map(lambda _: tree.map(lambda _: next(count), inner), outer)
    assert tree.transpose(b, a, tree.transpose(a, b, t)) == t


@LAW
@given(TREES, TREES)
def test_a_prefix_is_spread_over_what_lies_below(upper: Any, lower: Any) -> None:
    full = tree.map(lambda _: lower, upper)
    assert tree.broadcast(upper, full) == tree.map(lambda x: tree.map(lambda _: x, lower), upper)
    spread = flatten_prefix(tree.map(lambda _: None, upper), full)
    assert spread == [None] * len(tree.leaves(full))
    assert flatten_prefix(3, full) == [3] * len(tree.leaves(full))


@LAW
@given(TREES, TREES)
def test_diff_is_empty_for_equal_structures_only(a: Any, b: Any) -> None:
    same = tree.structure(a) == tree.structure(b)
    assert (tree.diff(a, b) == "") == same
    if same:
        tree.assert_same_structure(a, b)
    else:
        with pytest.raises(TreeError):
            tree.assert_same_structure(a, b)
        with pytest.raises(TreeError):
            tree.assert_same_structure(tree.structure(a), tree.structure(b))


@LAW
@given(TREES, TREES)
def test_map_takes_deeper_trees_and_refuses_others(a: Any, b: Any) -> None:
    treedef = tree.structure(a)
    assert treedef.flatten_up_to(tree.map(lambda _: b, a)) == [b] * treedef.num_leaves
    try:
        subtrees = treedef.flatten_up_to(b)
    except TreeError as error:
        assert ", at " in str(error)  # noqa: PT017 - either outcome is right, by the trees drawn
    else:
        assert sum(len(tree.leaves(s)) for s in subtrees) == len(tree.leaves(b))


@LAW
@given(TREES)
def test_partition_and_combine(t: Any) -> None:
    even, odd = tree.partition(t, lambda x: x % 2 == 0)
    assert tree.combine(even, odd) == t
    assert tree.combine(odd, even) == t
    assert all(x % 2 == 0 for x in tree.leaves(even))
    assert tree.partition(t, True)[0] == t


# Examples.


def test_leaf_order_and_order_of_rebuilt_dicts() -> None:
    leaves, treedef = tree.flatten({"b": 1, "a": 2})
    assert leaves == [2, 1]
    assert list(tree.unflatten(treedef, leaves)) == ["a", "b"]
    assert tree.leaves({1: "x", "a": "y"}) == ["x", "y"]
    assert tree.leaves({"a": "y", 1: "x"}) == ["y", "x"]
    assert tree.leaves(OrderedDict(b=1, a=2)) == [1, 2]


def test_dicts_are_matched_by_key() -> None:
    assert tree.map(operator.add, {1: 1, "a": 2}, {"a": 20, 1: 10}) == {1: 11, "a": 22}
    with pytest.raises(TreeError, match="missing key 'a'"):
        tree.map(operator.add, {1: 1, "a": 2}, {"b": 20, 1: 10})


def test_types_of_containers_are_kept() -> None:
    t = (Point(1, [2]), defaultdict(list, b=3), Pair(4, OrderedDict(z=5)), Dense(6), Span(7, 8))
    doubled = tree.map(lambda x: 2 * x, t)
    expected = (
        Point(2, [4]),
        defaultdict(list, b=6),
        Pair(8, OrderedDict(z=10)),
        Dense(12),
        Span(14, 16),
    )
    assert doubled == expected
    assert [type(x) for x in doubled] == [type(x) for x in t]
    assert doubled[1]["new"] == []


def test_subclasses_are_leaves() -> None:
    class Mapping(dict[str, int]):
        pass

    assert tree.leaves([Mapping(a=1), {1, 2}, "text", np.ones(2).tolist]) != []
    assert tree.leaves(Mapping(a=1)) == [Mapping(a=1)]


def test_the_list_of_a_tree_is_not_shared() -> None:
    t = [1, 2]
    assert tree.map(lambda x: x, t) is not t
    leaves, treedef = tree.flatten(t)
    assert tree.unflatten(treedef, leaves) is not leaves


def test_is_leaf() -> None:
    assert tree.leaves([None, 1], is_leaf=lambda x: x is None) == [None, 1]
    assert tree.map(str, [None, (1, 2)], is_leaf=lambda x: x is None) == ["None", ("1", "2")]
    assert tree.structure([1], is_leaf=lambda x: True) == tree.structure(0)
    assert tree.leaves_with_path([(1, 2)], is_leaf=lambda x: isinstance(x, tuple)) == [
        ((tree.SequenceKey(0),), (1, 2))
    ]


def test_unflatten_takes_an_iterator() -> None:
    assert tree.unflatten(tree.structure([0, 0]), iter([1, 2])) == [1, 2]


def test_reduce_all_any() -> None:
    assert tree.reduce(operator.sub, [10, (2, 3)]) == 5
    assert tree.reduce(operator.add, None, 7) == 7
    assert tree.all([])
    assert not tree.any({})
    assert tree.all([1, (True,)])
    assert not tree.all([1, (0,)])
    with pytest.raises(TreeError, match="no leaves: give an initializer"):
        tree.reduce(operator.add, [None])


def test_paths_of_every_container() -> None:
    t = {"p": Point(0, [0]), "d": Dense(0, bias=(0,)), "s": Span(0, 0), "n": Named(0), 3: 0}
    t["o"] = OrderedDict(k=0)
    t["f"] = defaultdict(list, k=0)
    assert [tree.keystr(path) for path, _ in tree.leaves_with_path(t)] == [
        "['p'].x",
        "['p'].y[0]",
        "['d'].weight",
        "['d'].bias[0]",
        "['s'][<flat index 0>]",
        "['s'][<flat index 1>]",
        "['n'].value",
        "[3]",
        "['o']['k']",
        "['f']['k']",
    ]
    [(path, _)] = tree.leaves_with_path({"layers": [Dense(1)]})
    assert tree.keystr(path) == "['layers'][0].weight"
    assert tree.keystr(path, simple=True, separator=".") == "layers.0.weight"
    assert tree.keystr(()) == ""


def test_map_with_path_takes_several_trees() -> None:
    result = tree.map_with_path(lambda p, x, y: (len(p), x + y), [1, (2,)], [10, (20,)])
    assert result == [(1, 11), ((2, 22),)]
    with pytest.raises(TreeError, match=r"\[tree.map_with_path\] rest\[0\]"):
        tree.map_with_path(lambda p, x, y: x, [1], (1,))


def test_flatten_up_to_and_children() -> None:
    treedef = tree.structure({"a": 0, "b": (0, None)})
    assert treedef.flatten_up_to({"a": [1, 2], "b": (3, None)}) == [[1, 2], 3]
    assert [repr(c) for c in treedef.children()] == ["TreeDef(*)", "TreeDef((*, None))"]
    assert tree.structure(1).children() == []
    assert tree.structure(1).flatten_up_to([1, 2]) == [[1, 2]]


@pytest.mark.parametrize(
    ("t", "text"),
    [
        (1, "*"),
        (None, "None"),
        ({"a": 1, "b": (1, None)}, "{'a': *, 'b': (*, None)}"),
        ([(), (1,)], "[(), (*,)]"),
        (Point(1, [2]), "Point(x=*, y=[*])"),
        (OrderedDict(a=1), "OrderedDict({'a': *})"),
        (defaultdict(list, a=1), "defaultdict(list, {'a': *})"),
        (Dense(1, None, 4), "Dense(weight=*, bias=None, width=4)"),
        (Span(1, 2), "Span['m'](*, *)"),
        (Named(1), "Named(*)"),
        (Mode("a"), "Mode(name='a')"),
    ],
)
def test_repr(t: Any, text: str) -> None:
    assert repr(tree.structure(t)) == f"TreeDef({text})"


def test_treedef_is_immutable_and_compares_with_treedefs_only() -> None:
    treedef = tree.structure([1])
    with pytest.raises(AttributeError, match="immutable"):
        treedef.num_leaves = 3
    with pytest.raises(AttributeError, match="immutable"):
        del treedef.spec
    assert treedef != [1]
    assert treedef != tree.structure((1,))
    assert tree.structure(Dense(1, width=3)) != tree.structure(Dense(1, width=4))
    assert tree.structure(Mode("a")) != tree.structure(Mode("b"))


def test_unhashable_meta_is_said() -> None:
    treedef = tree.structure(Span(1, 2, unit=["m"]))
    with pytest.raises(ArgumentError) as error:
        hash(treedef)
    assert message(error) == (
        "[TreeDef] cannot be hashed (unhashable type: 'list'): meta fields and aux data of "
        "registered classes must be hashable, in Span[['m']](*, *)"
    )


def test_flatten_prefix_of_axes() -> None:
    args = (1.0, {"w": 2.0, "b": (3.0, None)})
    assert flatten_prefix(0, args) == [0, 0, 0]
    assert flatten_prefix(None, args) == [None] * 3
    assert flatten_prefix((None, 0), args) == [None, 0, 0]
    assert flatten_prefix((1, {"w": None, "b": 2}), tree.structure(args)) == [1, 2, None]
    assert flatten_prefix((1, {"w": 0, "b": (2, 5)}), args) == [1, 2, 0]
    assert flatten_prefix((Dense(0, None),), (Dense([1, 2], 3),)) == [0, 0, None]


def test_broadcast_takes_none_for_a_node() -> None:
    assert tree.broadcast((1, None), ([0], None)) == ([1], None)
    with pytest.raises(TreeError, match="None against leaf"):
        tree.broadcast((1, None), ([0], 0))
    assert tree.broadcast((1, None), ([0], 0), is_leaf=lambda x: x is None) == ([1], None)


def test_transpose_infers_inner() -> None:
    outer = tree.structure([0, 0])
    assert tree.transpose(outer, None, [(1, 2), (3, 4)]) == ([1, 3], [2, 4])
    assert tree.transpose(tree.structure([]), tree.structure((0, 0)), []) == ([], [])
    with pytest.raises(TreeError, match="give the structure of inner"):
        tree.transpose(tree.structure([]), None, [])


def test_tree_at() -> None:
    t = {"a": [1, 2], "b": Dense(3), "c": (), "d": (), "m": Mode("a")}
    assert tree.tree_at(lambda t: t["a"][1], t, 9)["a"] == [1, 9]
    assert tree.tree_at(lambda t: t["a"], t, None)["a"] is None
    assert tree.tree_at(lambda t: t["b"].bias, t, 4)["b"] == Dense(3, 4)
    assert tree.tree_at(lambda t: t["d"], t, "new") == {**t, "d": "new"}
    assert tree.tree_at(lambda t: t["m"], t, 1) == {**t, "m": 1}
    assert tree.tree_at(lambda t: t, t, 5) == 5
    swapped = tree.tree_at(lambda t: (t["a"][0], t["b"].weight), t, ([7], 8))
    assert swapped == {**t, "a": [[7], 2], "b": Dense(8)}
    assert tree.tree_at(lambda t: [t["a"]], t, replace_fn=sum)["a"] == 3
    assert tree.tree_at(lambda t: t["b"], t, replace_fn=lambda d: d.width)["b"] == 8
    assert t["a"] == [1, 2]


def test_partition_by_a_mask() -> None:
    t = {"w": [1, 2], "b": 3, "n": None}
    yes, no = tree.partition(t, {"w": True, "b": False, "n": None})
    assert yes == {"w": [1, 2], "b": None, "n": None}
    assert no == {"w": [None, None], "b": 3, "n": None}
    assert tree.partition([1, 2], [lambda x: x > 1, np.True_]) == ([None, 2], [1, None])


# Registration.


def test_register_after_use_as_a_leaf() -> None:
    class Box:
        def __init__(self, x: Any) -> None:
            self.x = x

    assert len(tree.leaves(Box([1, 2]))) == 1
    tree.register_node(Box, lambda b: ([b.x], None), lambda aux, c: Box(*c))
    assert tree.leaves(Box([1, 2])) == [1, 2]


def test_a_named_tuple_may_be_registered_after_use() -> None:
    class Row(NamedTuple):
        x: Any

    assert tree.leaves(Row(1)) == [1]
    tree.register_static(Row)
    assert tree.leaves(Row(1)) == []


def test_children_reach_unflatten_as_a_tuple() -> None:
    class Box:
        def __init__(self, children: Any) -> None:
            self.children = children

    tree.register_node(Box, lambda b: (b.children, None), lambda aux, c: Box(c))
    assert tree.map(lambda x: x, Box((1, 2))).children == (1, 2)
    assert tree.map(lambda x: x, Box((1, [2]))).children == (1, [2])


def test_register_dataclass_fields() -> None:
    @dataclasses.dataclass
    class Model:
        a: Any
        b: Any
        total: Any = dataclasses.field(init=False, default=0)

    tree.register_dataclass(Model, meta_fields=["b"])
    assert tree.leaves(Model(1, 2)) == [1]
    assert tree.map(lambda x: x + 1, Model(1, 2)) == Model(2, 2)

    class Plain:
        def __init__(self, *, a: Any, b: Any) -> None:
            self.a, self.b = a, b

    tree.register_dataclass(Plain, ["a", "b"], [])
    assert tree.leaves(Plain(a=1, b=2)) == [1, 2]


def test_register_twice() -> None:
    with pytest.raises(ArgumentError) as error:
        tree.register_static(Span)
    assert message(error) == (
        "[tree.register_static] class Span is a pytree node already; "
        "register a class once, beside its definition"
    )
    with pytest.raises(ArgumentError, match="class dict is a pytree node already"):
        tree.register_node(dict, lambda d: ((), None), lambda aux, c: {})


def test_register_wrongly() -> None:
    @dataclasses.dataclass
    class Model:
        a: Any
        b: Any

    class Plain:
        pass

    with pytest.raises(ArgumentError, match=r"data_fields \('a',\) and meta_fields \(\) must name"):
        tree.register_dataclass(Model, ["a"], [])
    with pytest.raises(ArgumentError, match=r"must name each of its fields \('a', 'b'\) once"):
        tree.register_dataclass(Model, ["a", "c"])
    with pytest.raises(ArgumentError, match="is no dataclass: name its data_fields"):
        tree.register_dataclass(Plain)
    with pytest.raises(ArgumentError, match="cls must be a class, came 3"):
        tree.register_static(3)


def test_unpickling_needs_the_registration() -> None:
    from rtorch.core.tree_kinds import kinds

    data = pickle.dumps(tree.structure(Span(1, 2)))
    kind = kinds.pop(Span)
    try:
        with pytest.raises(ArgumentError, match="class Span is not registered"):
            pickle.loads(data)
    finally:
        kinds[Span] = kind


# Messages, word for word.


def check(expected: str, error: pytest.ExceptionInfo[Any]) -> None:
    assert message(error) == expected.strip("\n")


def test_message_list_length() -> None:
    with pytest.raises(TreeError) as error:
        tree.map(operator.add, {"b": (1, [1, 2, 3])}, {"b": (1, [1, 2])})
    check(
        """
[tree.map] rest[0] has another structure than tree, at ['b'][1]: list of 3 against list of 2
  tree:    {'b': (*, [*, *, *])}
  rest[0]: {'b': (*, [*, *])}
""",
        error,
    )


def test_message_keys_and_leaves() -> None:
    with pytest.raises(TreeError) as error:
        tree.map(operator.add, {"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 1, "c": 2})
    check(
        """
[tree.map] rest[1] has another structure than tree, at the root: missing key 'b', extra key 'c'
  tree:    {'a': *, 'b': *}
  rest[1]: {'a': *, 'c': *}
""",
        error,
    )
    with pytest.raises(TreeError) as error:
        tree.map(operator.add, {"a": {"w": 1}}, {"a": np.ones(2, np.float32)})
    assert "at ['a']: dict with keys 'w' against leaf (float32[2])\n" in message(error)


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ([1], (1,), "at the root: list of 1 against tuple of 1"),
        ([None], [1], "at [0]: None against leaf (int 1)"),
        ([1.5], [{}], "at [0]: leaf (float 1.5) against empty dict"),
        ([[]], [1], "at [0]: empty list against leaf (int 1)"),
        (Dense([1]), Dense((1,)), "at .weight: list of 1 against tuple of 1"),
        (Named([1]), Named((1,)), "at .value: list of 1 against tuple of 1"),
        (Span(0, [1]), Span(0, 1), "at [<flat index 1>]: list of 1 against leaf (int 1)"),
        (
            Dense(1, width=3),
            Dense(1, width=4),
            "at the root: Dense(weight=*, bias=*, width=3) against "
            "Dense(weight=*, bias=*, width=4)",
        ),
        (Mode("a"), Mode("b"), "at the root: Mode(name='a') against Mode(name='b')"),
        (Point(1, 2), (1, 2), "at the root: Point of 2 against tuple of 2"),
        (
            OrderedDict(a=1, b=2),
            OrderedDict(b=2, a=1),
            "at the root: keys in the order 'a', 'b' against 'b', 'a'",
        ),
        (
            defaultdict(list, a=1),
            defaultdict(int, a=1),
            "at the root: defaultdict(list, {'a': *}) against defaultdict(int, {'a': *})",
        ),
    ],
)
def test_differences(first: Any, second: Any, text: str) -> None:
    assert tree.diff(first, second) == text
    with pytest.raises(TreeError) as error:
        tree.assert_same_structure(first, second)
    assert message(error).startswith(
        f"[tree.assert_same_structure] second has another structure than first, {text}\n"
    )


def test_diff_of_treedefs_and_of_several_places() -> None:
    a, b = {"a": 1, "b": [1], "c": 1}, {"a": [], "b": [1, 2], "c": 1}
    assert tree.diff(tree.structure(a), tree.structure(b)) == (
        "at ['a']: leaf against empty list\nat ['b']: list of 1 against list of 2"
    )


def test_message_unflatten() -> None:
    treedef = tree.structure({"a": 0, "b": 0})
    with pytest.raises(TreeError) as error:
        tree.unflatten(treedef, [1, 2, 3])
    check("[tree.unflatten] came 3 leaves for a structure of 2: {'a': *, 'b': *}", error)
    with pytest.raises(ArgumentError) as wrong:
        tree.unflatten([1, 2], treedef)
    check(
        "[tree.unflatten] treedef must be a TreeDef, as tree.structure(x) gives it; "
        "came list [1, 2]",
        wrong,
    )


def test_message_prefix() -> None:
    args = (1.0, {"w": [2.0, 3.0]})
    with pytest.raises(BatchAxisError) as error:
        flatten_prefix((0, {"w": (0, 1, 2)}), args, function="vmap", error=BatchAxisError)
    check(
        """
[vmap] in_axes does not fit the tree, at [1]['w']: tuple of 3 against list of 2
  in_axes: (*, {'w': (*, *, *)})
  tree:    (*, {'w': [*, *]})
""",
        error,
    )
    with pytest.raises(TreeError) as deeper:
        flatten_prefix((0, (1,)), (1.0, 2.0))
    assert "at [1]: tuple of 1 against leaf\n" in message(deeper)
    with pytest.raises(TreeError) as keys:
        flatten_prefix({"v": 0}, {"w": 0})
    assert "at the root: missing key 'v', extra key 'w'\n" in message(keys)


def test_message_transpose() -> None:
    with pytest.raises(TreeError) as error:
        tree.transpose(tree.structure([0, 0]), tree.structure((0, 0)), [(1, 2), (3,)])
    check(
        """
[tree.transpose] part 1 of tree has another structure than inner, at the root: tuple of 2 against tuple of 1
  inner:          (*, *)
  part 1 of tree: (*,)
""",  # noqa: E501
        error,
    )


def test_messages_of_tree_at() -> None:
    t = {"a": [1, 2], "b": 3}
    with pytest.raises(ArgumentError, match="takes either replace or replace_fn"):
        tree.tree_at(lambda t: t["a"], t)
    with pytest.raises(TreeError, match="must return nodes of the tree"):
        tree.tree_at(lambda t: "a", t, 1)
    with pytest.raises(TreeError, match="chose nothing"):
        tree.tree_at(lambda t: [], t, 1)
    with pytest.raises(TreeError, match="chose a node twice, or a node and one inside it"):
        tree.tree_at(lambda t: (t["b"], t["b"]), t, (1, 2))
    with pytest.raises(TreeError, match="chose a node twice, or a node and one inside it"):
        tree.tree_at(lambda t: (t["a"], t["a"][0]), t, (1, 2))
    with pytest.raises(TreeError, match="at the root: tuple of 2 against tuple of 3"):
        tree.tree_at(lambda t: (t["a"], t["b"]), t, (1, 2, 3))


def test_message_of_partition() -> None:
    with pytest.raises(ArgumentError, match="must hold bools or predicates of a leaf, came int 1"):
        tree.partition([1, 2], [True, 1])
    with pytest.raises(TreeError, match=r"\[tree.partition\] mask does not fit the tree"):
        tree.partition([1, 2], [True])


def test_long_structures_are_cut_in_messages() -> None:
    with pytest.raises(TreeError) as error:
        tree.map(operator.add, list(range(500)), list(range(499)))
    assert len(message(error)) < 1000
    assert "list of 500 against list of 499" in message(error)


def test_internal_frames_are_hidden() -> None:
    with pytest.raises(ZeroDivisionError) as error:
        tree.map(lambda x: 1 // x, [[0]])
    assert not [e for e in error.traceback if "rtorch/core" in str(e.path)]


# JAX.


JAX_TREES = st.recursive(
    LEAVES | st.none(),
    lambda children: st.one_of(
        st.lists(children, max_size=3),
        st.tuples(children, children),
        st.dictionaries(KEYS, children, max_size=3),
        st.dictionaries(KEYS, children, max_size=3).map(OrderedDict),
        st.dictionaries(st.integers(0, 9), children, max_size=3).map(
            lambda d: defaultdict(list, d)
        ),
        st.builds(Pair, children, children),
    ),
    max_leaves=12,
)


@LAW
@given(JAX_TREES, JAX_TREES)
def test_as_jax(a: Any, b: Any) -> None:
    jax = pytest.importorskip("jax")
    assert tree.leaves(a) == jax.tree.leaves(a)
    paths = [tree.keystr(path) for path, _ in tree.leaves_with_path(a)]
    theirs = jax.tree_util.tree_leaves_with_path(a)
    assert paths == [jax.tree_util.keystr(path) for path, _ in theirs]
    assert repr(tree.map(lambda x: x, a)) == repr(jax.tree.map(lambda x: x, a))
    same = jax.tree.structure(a) == jax.tree.structure(b)
    assert (tree.structure(a) == tree.structure(b)) == same
    full = tree.map(lambda _: b, a)
    assert tree.broadcast(a, full) == jax.tree.broadcast(a, full)


@LAW
@given(JAX_TREES, JAX_TREES)
def test_prefixes_as_jax(a: Any, b: Any) -> None:
    jax = pytest.importorskip("jax")
    try:
        expected = jax.tree.structure(a).flatten_up_to(b)
    except ValueError:
        with pytest.raises(TreeError):
            tree.structure(a).flatten_up_to(b)
    else:
        assert tree.structure(a).flatten_up_to(b) == expected
