"""Everything at once and at random, on several CPUs (tests/user/stress.c).

`make stress` runs the same for longer: SECONDS=300 CPUS=4 BUILD=debug.
"""
import os
import random

import pytest

from machine import Machine

SEED = os.environ.get("TEST_SEED") or random.randrange(1, 1 << 31)


def stress(seconds, **options):
    words = options.pop("words", "")
    kinds = options.pop("kinds", "")
    limit = 90 + 4 * seconds  # what was begun is brought to its end
    with Machine(f"quiet {words} LIMIT={limit} rdinit=/bin/runtests -- "
                 f"stress={seconds},{SEED}{kinds}", **options) as m:
        m.finish_tests(limit + 60)


@pytest.mark.parametrize("smp", [1, 2, 4, 8])
def test_stress(smp):
    stress(10, smp=smp)


def test_stress_with_checks():
    stress(10, smp=4, build="debug")


@pytest.mark.parametrize("words, mem", [
    ("lowmem=32M", "64M"), ("debug_pagealloc=on", "128M"), ("", "16M"),
])
def test_stress_of_memory(words, mem):
    stress(5, smp=2, mem=mem, words=words)


def test_stress_without_memory():
    """One that takes all there is, again and again, beside the others."""
    stress(8, smp=2, mem="48M",
           kinds=",hog,processes,pipes,mappings,shared-file,locks,proc")
