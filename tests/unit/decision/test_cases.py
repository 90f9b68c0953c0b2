"""The product passes every case file: the test vectors, the operator matrix and the incidents."""

import pytest

from simulator.decision.conformance import evaluate_line
from tests.reference.cases import differences, evaluate_cases, line_of

CASES = evaluate_cases()


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_product_passes_case(case):
    assert differences(case, evaluate_line(line_of(case))) == []
