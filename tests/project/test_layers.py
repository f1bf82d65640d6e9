"""The layers of helpers/, read from the imports: plan and models, store, measures, report, run."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ALLOWED = {
    "plan": {"plan"},
    "models": {"models"},
    "store": {"store", "plan"},
    "measures": {"measures", "store", "models", "plan"},
    "report": {"report", "measures", "plan", "store"},
    "run": {"run", "report", "measures", "store", "models", "plan"},
}
# A store to open from a notebook's parameters, to read provenance from and to hand to measures, and
# what it says of its tables; no table and no mart.
STORE_NAMES_FOR_REPORT = {
    "helpers.store.checks.Verdict",
    "helpers.store.errors.MissingTable",
    "helpers.store.fingerprints.PROJECT",
    "helpers.store.fingerprints.cache_folder",
    "helpers.store.open.Store",
    "helpers.store.open.open_store",
    "helpers.store.open.prepare",
}
ENGINES = {"ibis", "duckdb", "sqlglot"}
DRAWING = {"matplotlib", "seaborn", "zhplot", "jinja2", "IPython", "nbconvert", "papermill"}
PLATFORM_COLUMNS = {
    "CustomerID", "InvoiceDate", "InvoiceNo", "StockCode", "UnitPrice", "Customer ID",
    "Lineitem name", "Lineitem sku", "Lineitem price", "Financial Status", "Paid at",
    "amount-description", "Variant SKU", "订单编号", "买家会员名", "买家实际支付金额", "宝贝标题",
}  # fmt: skip
CJK = re.compile(r"[\u3400-\u9fff]")
COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")


@dataclass(frozen=True)
class Module:
    """One file of helpers/: its dotted name, its tree, and the names that it imports."""

    name: str
    package: str
    tree: ast.Module
    imports: frozenset[str]

    @property
    def layer(self) -> str:
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else ""


def absolute_name(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parents = package.split(".")
    base = parents[: len(parents) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def imported_names(tree: ast.Module, package: str, known: set[str]) -> frozenset[str]:
    """Dotted names of imported modules; `from a import b` is a.b where that is a module."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute_name(node, package)
            inner = {f"{base}.{alias.name}" for alias in node.names}
            names.update(inner & known)
            if not inner <= known:
                names.add(base)
    return frozenset(names)


def taken_names(tree: ast.Module, package: str) -> set[str]:
    """Every imported name with the module that it is taken from."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update(f"{absolute_name(node, package)}.{alias.name}" for alias in node.names)
    return names


@pytest.fixture(scope="module")
def modules(project_root: Path) -> list[Module]:
    paths = {}
    for path in sorted((project_root / "helpers").rglob("*.py")):
        parts = path.relative_to(project_root).with_suffix("").parts
        paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    found = []
    for name, path in paths.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        found.append(Module(name, package, tree, imported_names(tree, package, set(paths))))
    return found


def texts(tree: ast.Module) -> list[str]:
    """String constants of a module without its docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]


def packages(module: Module) -> set[str]:
    return {name.partition(".")[0] for name in module.imports}


def of_ours(module: Module) -> set[str]:
    return {name for name in module.imports if name.partition(".")[0] == "helpers"}


@pytest.mark.parametrize(
    ("line", "package", "names"),
    [
        ("import helpers.store.open", "helpers.report", {"helpers.store.open"}),
        ("from helpers.store import open", "helpers.report", {"helpers.store.open"}),
        ("from helpers.store import Store", "helpers.report", {"helpers.store"}),
        ("from ..store import open", "helpers.report", {"helpers.store.open"}),
        ("from . import cards, PAGE", "helpers.report", {"helpers.report"}),
        ("def f():\n    from ...store.open import x", "helpers.run.a", {"helpers.store.open"}),
        ("if TYPE_CHECKING:\n    import ibis.expr", "helpers.report", {"ibis.expr"}),
    ],
)
def test_an_import_is_seen_however_it_is_written(line: str, package: str, names: set[str]) -> None:
    known = {"helpers", "helpers.store", "helpers.store.open", "helpers.report"}
    assert imported_names(ast.parse(line), package, known) == names


def test_every_layer_of_the_architecture_is_there(modules: list[Module]) -> None:
    layers = {module.layer for module in modules if module.layer}
    assert layers == set(ALLOWED)


def test_a_layer_imports_only_what_stands_below_it(modules: list[Module]) -> None:
    wrong = [
        f"{module.name} imports {name}"
        for module in modules
        for name in sorted(of_ours(module))
        if module.layer and name.split(".")[1:2] and name.split(".")[1] not in ALLOWED[module.layer]
    ]
    assert wrong == []


def test_report_takes_only_provenance_and_verdicts_from_the_store(modules: list[Module]) -> None:
    wrong = [
        f"{module.name} imports {name}"
        for module in modules
        if module.layer == "report"
        for name in sorted(taken_names(module.tree, module.package))
        if name.startswith("helpers.store") and name not in STORE_NAMES_FOR_REPORT
    ]
    assert wrong == []


def test_no_module_reaches_the_others_through_the_bare_package(modules: list[Module]) -> None:
    wrong = [module.name for module in modules if "helpers" in module.imports]
    assert wrong == []


def test_modules_import_one_another_without_a_circle(modules: list[Module]) -> None:
    graph = {module.name: of_ours(module) - {module.name} for module in modules}
    done: set[str] = set()

    def circle_from(name: str, path: tuple[str, ...]) -> tuple[str, ...]:
        if name in path:
            return (*path[path.index(name) :], name)
        if name in done:
            return ()
        found = next(filter(None, (circle_from(n, (*path, name)) for n in graph.get(name, ()))), ())
        done.add(name)
        return found

    circles = [" -> ".join(found) for name in graph if (found := circle_from(name, ()))]
    assert circles == []


def test_only_store_and_measures_know_the_engine(modules: list[Module]) -> None:
    wrong = [
        f"{module.name} imports {', '.join(sorted(packages(module) & ENGINES))}"
        for module in modules
        if module.layer not in {"store", "measures"} and packages(module) & ENGINES
    ]
    assert wrong == []


def test_nothing_below_report_draws_or_renders(modules: list[Module]) -> None:
    wrong = [
        f"{module.name} imports {', '.join(sorted(packages(module) & DRAWING))}"
        for module in modules
        if module.layer in {"plan", "models", "store", "measures"} and packages(module) & DRAWING
    ]
    assert wrong == []


def test_measures_and_models_hold_no_colour_and_no_word_of_a_page(modules: list[Module]) -> None:
    wrong = [
        f"{module.name}: {text!r}"
        for module in modules
        if module.layer in {"measures", "models"}
        for text in texts(module.tree)
        if CJK.search(text) or COLOUR.search(text)
    ]
    assert wrong == []


def test_only_ingest_knows_the_columns_of_a_platform(modules: list[Module]) -> None:
    wrong = [
        f"{module.name}: {text!r}"
        for module in modules
        if not module.name.startswith("helpers.store.ingest")
        for text in texts(module.tree)
        if text in PLATFORM_COLUMNS
    ]
    assert wrong == []


def test_no_module_is_longer_than_450_lines(project_root: Path) -> None:
    lengths = {
        str(path.relative_to(project_root)): len(path.read_text(encoding="utf-8").splitlines())
        for path in (project_root / "helpers").rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > 450} == {}
