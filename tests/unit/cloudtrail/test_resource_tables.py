"""The packaged resource table names only what the catalog knows, and malformed rows are refused."""

import pytest

from simulator.cloudtrail.resource_forms import FORMS
from simulator.cloudtrail.resource_tables import ResourceTables, load_tables, read_tables
from simulator.errors import OrgsimError
from simulator.iam.catalog import Catalog

ANY_TYPE = "*"


@pytest.fixture(scope="module")
def tables() -> ResourceTables:
    return load_tables()


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog()


def test_every_type_exists(tables: ResourceTables, catalog: Catalog) -> None:
    unknown = [name for name in tables.types if name.partition(":")[2] not in _types(catalog, name)]
    assert unknown == []


def test_every_checked_action_and_type_exists(tables: ResourceTables, catalog: Catalog) -> None:
    odd = []
    for (action, event), rows in tables.checks.items():
        odd += [(action, event)] if catalog.action(action) is None else []
        types = _types(catalog, action)
        odd += [(action, row.type) for row in rows if row.type != ANY_TYPE and row.type not in types]
    assert odd == []


def test_only_fixed_rows_add_a_type_to_an_action(tables: ResourceTables, catalog: Catalog) -> None:
    odd = []
    for (action, _), rows in tables.checks.items():
        info = catalog.action(action)
        listed = {use.name.lower() for use in info.resource_types} if info else set()
        odd += [(action, row.type) for row in rows if row.type not in listed | {ANY_TYPE} and row.fixed is None]
    assert odd == []


def test_every_variable_belongs_to_the_format(tables: ResourceTables, catalog: Catalog) -> None:
    odd = []
    for name, row in tables.types.items():
        arn = _types(catalog, name)[name.partition(":")[2]]
        odd += [(name, variable) for variable in row.variables if f"${{{variable}}}" not in arn]
    assert odd == []


def test_every_form_exists_and_is_used(tables: ResourceTables) -> None:
    used: set[str | None] = {"name"}  # the default
    used |= {row.form for row in tables.types.values()}
    used |= {row.form for rows in tables.checks.values() for row in rows}
    assert used - {None} == FORMS.keys()


def test_one_row_per_type_action_and_event(tables: ResourceTables) -> None:
    for key, rows in tables.checks.items():
        types = [row.type for row in rows]
        assert len(types) == len(set(types)), key


def test_named_lists_are_actions(tables: ResourceTables, catalog: Catalog) -> None:
    assert [name for name in tables.caller_is_default if catalog.action(name) is None] == []
    exact = [name for name in tables.alternatives if "*" not in name]
    assert [name for name in exact if catalog.action(name) is None] == []


def test_ec2_ids_name_ec2_types(tables: ResourceTables, catalog: Catalog) -> None:
    assert [name for name in tables.ec2_ids.values() if name not in catalog.resource_types("ec2")] == []


@pytest.mark.parametrize(
    "row",
    [
        'type = "s3:bucket"\nfrom = ["bucketName"]',
        'from = ["bucketName"]\nsource = "x"',
        'type = "s3:bucket"\nsource = "x"\nform_ = "bucket"',
    ],
)
def test_rows_without_a_source_or_with_unknown_fields_are_refused(row: str) -> None:
    with pytest.raises(OrgsimError, match="resource table row"):
        read_tables(f"[[type]]\n{row}\n")


def _types(catalog: Catalog, name: str) -> dict[str, str]:
    return {key: kind.arn for key, kind in catalog.resource_types(name.partition(":")[0]).items()}
