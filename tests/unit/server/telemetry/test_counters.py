"""The directory of the workers' counters."""

import signal
import subprocess
import sys
from pathlib import Path

from llm_schema_registry.server.telemetry.counters import counter_directory

_HOLD = """
import sys, time
from pathlib import Path
from llm_schema_registry.server.telemetry.counters import counter_directory
with counter_directory(Path(sys.argv[1])) as directory:
    print(directory, flush=True)
    time.sleep(600)
"""


def test_it_goes_with_its_block_and_leaves_others_alone(tmp_path: Path) -> None:
    with counter_directory(tmp_path) as first, counter_directory(tmp_path) as second:
        assert first != second
        assert Path(first).is_dir()
    assert list(tmp_path.iterdir()) == []


def test_the_next_start_removes_what_a_killed_process_leaves(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    left = Path(process.stdout.readline().strip())
    with counter_directory(tmp_path):
        assert left.is_dir(), "its process lives"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert left.is_dir()
    (tmp_path / "lsr-metrics-other").mkdir()
    with counter_directory(tmp_path) as own:
        assert sorted(tmp_path.iterdir()) == sorted([Path(own), tmp_path / "lsr-metrics-other"])
