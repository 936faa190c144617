import os
import sys

sys.path.insert(0, os.path.dirname(__file__))


def pytest_report_header(config):
    return "the machines are QEMU's; their serial log is part of each failure"
