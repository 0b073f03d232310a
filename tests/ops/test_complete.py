"""Every primitive has a spec, or a reason to have none."""

import pytest
from op_specs import EXEMPT, SPECS

from rtorch.core.primitive import Primitive

DESCRIBED = {spec.name for spec in SPECS}


def test_every_primitive_has_a_spec() -> None:
    missing = sorted(Primitive.registry.keys() - DESCRIBED - EXEMPT.keys())
    if missing:
        cure = "add an OpSpec to tests/op_specs.py, or a reason to its EXEMPT"
        pytest.fail(f"primitives without a spec: {missing}; {cure}", pytrace=False)


def test_every_spec_and_exemption_is_of_a_primitive() -> None:
    assert Primitive.registry.keys() >= DESCRIBED
    assert EXEMPT.keys() <= Primitive.registry.keys()
    assert not DESCRIBED & EXEMPT.keys()
    assert all(EXEMPT.values())


def test_specs_have_names_of_their_own() -> None:
    ids = [spec.id for spec in SPECS]
    assert len(ids) == len(set(ids)), sorted({i for i in ids if ids.count(i) > 1})


def test_linear_operands_are_declared_where_a_transpose_rule_is() -> None:
    """A primitive with a transpose rule has a spec that tests it."""
    tested = {spec.name for spec in SPECS if spec.linear}
    with_rule = {name for name, prim in Primitive.registry.items() if prim.has_rule("transpose")}
    assert with_rule - tested - EXEMPT.keys() == set()


def test_differentiable_primitives_have_an_order() -> None:
    tested = {spec.name for spec in SPECS if spec.order}
    smooth = {name for name, prim in Primitive.registry.items() if prim.differentiable}
    # Integers' power and neighbouring numbers have no derivatives though their family has; that of
    # gamma numbers is not their change when the same bits are drawn (tests/test_random_gamma.py);
    # difference quotients have no rule.
    without = {"floor_power", "nextafter", "random_gamma", "gamma_slope_by_a", "slope_quotient"}
    assert smooth - tested - EXEMPT.keys() <= without
