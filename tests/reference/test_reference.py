"""The reference evaluator passes every case file, so the cases are checked without the product."""

import pytest

from tests.reference.cases import differences, evaluate_cases, line_of
from tests.reference.evaluator import evaluate

CASES = evaluate_cases()


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_reference_passes_case(case):
    assert differences(case, evaluate(line_of(case))) == []
