"""What happens before the command line is loaded, and what is loaded for it: each in a fresh process."""

import os
import subprocess
import sys

import pytest

import minissd
from minissd.cli.main import COMMANDS, load

HEAVY = {"matplotlib", "cupy", "cv2", "torch", "sklearn", "hypothesis", "requests", "mpi4py"}


def python(*words, **variables):
    """A fresh Python with these words and environment variables."""
    return subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, env=os.environ | variables, timeout=120
    )


@pytest.fixture
def with_module(tmp_path):
    """with_module(name, source, *words): `python -m minissd` where a library's place is taken by `source`."""

    def run(name, source, *words):
        (tmp_path / f"{name}.py").write_text(source)
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        return python("-m", "minissd", *words, PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1")

    return run


# --- what is loaded ---


@pytest.mark.parametrize(
    "words",
    [
        ("-c", "import minissd.training, minissd.data, minissd.models, minissd.explain, minissd.weights"),
        ("-m", "minissd", "fetch"),
        ("-m", "minissd", "gradcheck", "--only", "relu"),
    ],
    ids=" ".join,
)
def test_what_draws_nothing_loads_no_matplotlib(words):
    outcome = python("-X", "importtime", *words)
    loaded = {line.rpartition("|")[2].strip() for line in outcome.stderr.splitlines()}
    assert outcome.returncode == 0 and "numpy" in loaded, outcome.stderr
    assert not HEAVY & loaded


def test_the_list_of_commands_needs_no_numpy():
    outcome = python("-X", "importtime", "-m", "minissd", "--help")
    loaded = {line.rpartition("|")[2].strip() for line in outcome.stderr.splitlines()}
    assert outcome.returncode == 0 and not loaded & {"numpy", "minissd.device", "minissd.cli.train"}
    assert {"typer", "minissd.cli.main"} <= loaded


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_itself(name):
    assert " ".join(load(name).help.split()).startswith(COMMANDS[name])


def test_the_package_itself_loads_nothing():
    outcome = python("-c", "import sys, minissd; print('numpy' in sys.modules, minissd.build.__module__)")
    assert outcome.stdout.split() == ["False", "minissd.models"], outcome.stderr


def test_the_names_of_the_package():
    from minissd import data, models, training

    assert minissd.build is models.build and minissd.open_dataset is data.open_dataset
    for name in ("TrainConfig", "evaluate", "load_checkpoint", "train"):
        assert getattr(minissd, name) is getattr(training, name)
    assert set(minissd.__all__) <= set(dir(minissd)) and "__version__" in dir(minissd)
    with pytest.raises(AttributeError, match="'minissd' has no attribute 'detect'"):
        minissd.detect  # noqa: B018


# --- what goes wrong ---

BROKEN = {
    "an old NumPy": ("threadpoolctl", "import numpy; numpy.no_such_thing", "AttributeError: module 'numpy' has no"),
    "a missing library": ("safetensors", "raise OSError('libgcc_s.so.1: no such file\\nmore')", "libgcc_s.so.1"),
    "half of it": ("threadpoolctl", "", "cannot import name"),
    "something it needs": ("pooch", "import no_such_module", "No module named 'no_such_module'"),
}


@pytest.mark.parametrize(("name", "source", "part"), BROKEN.values(), ids=BROKEN)
def test_a_broken_library_is_one_line(with_module, name, source, part):
    outcome = with_module(name, source, "doctor")
    (line,) = outcome.stderr.splitlines()
    assert outcome.returncode == 1 and line.startswith("error: ") and part in line
    assert "does not load" in line and "pip install --force-reinstall" in line


def test_a_file_that_hides_a_module_of_python_is_not_sought_in_an_index(with_module):
    line = with_module("queue", "import numpy", "doctor").stderr.strip()
    assert line.startswith("error: ") and "queue.py" in line and line.endswith("rename it") and "pip" not in line


def test_what_draws_nothing_works_without_matplotlib(with_module):
    outcome = with_module("matplotlib", "raise ValueError('numpy.dtype size changed')", "gradcheck", "--only", "relu")
    assert outcome.returncode == 0 and "right" in outcome.stdout, outcome


def test_a_fault_of_our_own_keeps_its_traceback(with_module):
    fault = "import minissd.files\ndef doctor(): raise ValueError('ours')\nimport sys\n"
    source = f"{fault}import minissd.cli.doctor\nminissd.cli.doctor.doctor = doctor"
    outcome = with_module("sitecustomize", source, "doctor")
    assert outcome.returncode == 1 and "Traceback" in outcome.stderr and "ValueError: ours" in outcome.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not remove the folder of a running program")
def test_a_folder_that_has_been_removed(tmp_path):
    """The program enters a folder and removes it, as another one may have done long ago."""
    gone = "import os, sys; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')"
    source = f"{gone}; sys.argv[1:] = ['train']; from minissd.__main__ import main; main()"
    root = os.path.dirname(os.path.dirname(minissd.__file__))
    outcome = subprocess.run(
        [sys.executable, "-c", source],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert outcome.returncode == 1
    assert outcome.stderr == "error: the folder that you are in has been removed: cd into another one\n"


def test_ctrl_c_while_it_loads(with_module):
    outcome = with_module("threadpoolctl", "import os, signal\nos.kill(os.getpid(), signal.SIGINT)", "doctor")
    assert outcome.returncode == 130 and outcome.stderr == ""
