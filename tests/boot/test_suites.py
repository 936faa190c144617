"""The suites that run inside the machine: self-tests, ring-3 tests, and the
experiments with their broken variants."""
import os
import re

import pytest

from machine import PASSED, Machine

SEED = os.environ.get("TEST_SEED")
SEED_WORD = f" seed={SEED}" if SEED else ""
BUILDS = ["release", "debug"]


@pytest.mark.parametrize("cpu", ["max,-la57", "max"])
@pytest.mark.parametrize("build", BUILDS)
def test_self_tests(build, cpu):
    with Machine("selftest" + SEED_WORD, build=build, cpu=cpu) as m:
        m.finish_tests(480)


@pytest.mark.parametrize("build", BUILDS)
def test_ring_3_tests(build):
    with Machine("rdinit=/bin/runtests", build=build) as m:
        m.finish_tests(600)


@pytest.mark.parametrize("build", BUILDS)
def test_experiments(build):
    with Machine('tour=exp exp=all', build=build) as m:
        status = m.finish(600)
        verdicts = re.findall(r"^VERDICT (\w+)", m.log, re.M)
        assert len(verdicts) > 20, m.tail()
        assert "FAIL" not in verdicts and status == PASSED, m.tail()
        assert not re.search(r"leak=[1-9]", m.log), m.tail()
        assert "LOCKDEP" not in m.log, m.tail()


@pytest.mark.parametrize("build", BUILDS)
def test_broken_variants_are_noticed(build):
    with Machine('tour=exp exp="all --broken"', build=build) as m:
        m.finish(600)
        verdicts = re.findall(r"^VERDICT (\w+)", m.log, re.M)
        assert len(verdicts) > 10 and "PASS" not in verdicts, m.tail()
