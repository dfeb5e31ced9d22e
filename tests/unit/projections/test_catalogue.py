"""Which projections there are: ours in their versions, and those of other packages."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from projections import catalogue
from projections.audit.replay import owner_of
from projections.catalogue import PROJECTIONS, all_projections, projection, versions
from projections.errors import NotLoaded, UnknownProjection, UnknownVersion
from projections.tables import sql_file

ROOT = Path(__file__).parents[3]

SHOP = """
from projections import Projection, Row, table

@table("orders", key="id", named_by=("order_id",))
class Order(Row):
    id: int

class Orders(Projection, name="orders", tables=(Order,)):
    pass

class OrdersAnew(Projection, name="orders", tables=(Order,), version=2):
    pass

class Work(Projection, name="work", tables=(Order,)):
    pass

class Demanding(Projection, name="demanding", tables=(Order,)):
    def __init__(self, something):
        pass

orders = Orders()
"""

Shop = Callable[..., None]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Installs a package `shop` that declares these entry points."""

    def install(**points: str) -> None:
        info = tmp_path / "shop-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{catalogue.GROUP}]", *lines]))
        (tmp_path / "shop_of_a_test.py").write_text(SHOP)
        (tmp_path / "broken_of_a_test.py").write_text("import there_is_no_such_module")
        monkeypatch.syspath_prepend(tmp_path)
        catalogue._others.cache_clear()

    yield install
    monkeypatch.undo()
    catalogue._others.cache_clear()


def test_our_own() -> None:
    contexts = ["packaging", "projects", "trust", "work", "workspaces"]
    assert [each.name for each in PROJECTIONS] == contexts
    assert all_projections() == PROJECTIONS
    assert projection("work") is projection("work", 2) is versions("work")[-1]
    assert [each.version for each in versions("work")] == [1, 2]
    with pytest.raises(UnknownProjection, match=", ".join(contexts)):
        projection("nothing")
    with pytest.raises(UnknownVersion, match=r"work has no projection_version 9 here.* 1, 2"):
        projection("work", 9)


def test_every_projection_has_the_file_of_its_version() -> None:
    for each in PROJECTIONS:
        for version in versions(each.name):
            assert sql_file(version).parent == ROOT / "projections" / each.name


def test_another_package_adds_its_own(shop: Shop, tmp_path: Path) -> None:
    shop(orders="shop_of_a_test:orders", later="shop_of_a_test:OrdersAnew")
    assert [each.name for each in all_projections()] == ["orders", *(p.name for p in PROJECTIONS)]
    assert [each.version for each in versions("orders")] == [1, 2]
    assert projection("orders").version == 2
    assert projection("orders", 1).version == 1
    owner, row_type = owner_of("orders")
    assert (owner.name, row_type.TABLE) == ("orders", "orders")
    (tmp_path / "orders_v1.sql").touch()
    assert sql_file(projection("orders")) == tmp_path / "orders_v1.sql"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("broken_of_a_test:Orders", "ModuleNotFoundError: No module named 'there_is_no_such"),
        ("shop_of_a_test:Nothing", "AttributeError"),
        ("shop_of_a_test:Demanding", "TypeError: .*something"),
        ("shop_of_a_test:Order", "shop_of_a_test:Order is no projection"),
        ("shop_of_a_test:Work", "the name work belongs to this package"),
        ("shop_of_a_test:Orders", "there are two orders of version 1"),
    ],
)
def test_one_that_can_not_be_used_is_named(shop: Shop, value: str, reason: str) -> None:
    shop(fine="shop_of_a_test:orders", mine=value)
    with pytest.raises(NotLoaded, match=f"entry point mine .* {reason}") as caught:
        projection("orders")
    assert caught.value.entry_point == "mine"
    assert projection("work").version == 2, "what needs no other package works on"
    assert owner_of("work_items")[0].name == "work"


def test_what_we_declare_for_others_to_find_is_there() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    for group, points in declared.items():
        for name, value in points.items():
            assert EntryPoint(name, value, group).load()
