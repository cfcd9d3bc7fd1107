"""A student's file, read before it runs: is there a function to judge, and what does it reach for?"""

import ast
import inspect
import traceback
import types

EVERYDAY = {  # free to import
    *("numpy", "math", "itertools", "functools", "operator"),
    *("collections", "copy", "dataclasses", "typing", "__future__"),
}
REACHES = {  # names that an answer has no use for; a teacher looks at who uses them
    *("exec", "eval", "compile", "__import__", "open", "globals", "vars", "setattr", "delattr", "breakpoint"),
    *("__builtins__", "__globals__", "__code__", "__closure__", "__subclasses__", "__bases__", "__mro__", "__loader__"),
    *("f_back", "f_globals", "f_locals", "tb_frame", "gi_frame", "os", "sys", "modules", "ctypes", "ctypeslib"),
    *(
        "system",
        "popen",
        "fork",
        "kill",
        "minissd",
        "hypothesis",
        "inspect",
        "gc",
        "subprocess",
        "importlib",
        "pathlib",
    ),
    *("fromfile", "tofile", "memmap", "load", "save", "savez", "savez_compressed", "loadtxt", "savetxt", "genfromtxt"),
}


class Unusable(Exception):
    """The file holds no function that could be judged."""


def parse(source, filename="<answer>"):
    """The syntax tree; `Unusable` with the line if there is none."""
    try:
        return ast.parse(source, filename)
    except SyntaxError as error:
        where = f"line {error.lineno}" if error.lineno else "the file"
        text = f": {error.text.strip()}" if error.text else ""
        raise Unusable(f"{where} is not valid Python ({error.msg}){text}") from None


def load(source, start_text, filename):
    """The student's file as a module, once it is seen to import no more than the file it began with."""
    tree = parse(source, filename)
    _check_imports(tree, ast.parse(start_text))
    module = types.ModuleType(filename)
    module.__file__ = filename
    try:
        exec(compile(tree, filename, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:  # the file may do anything
        raise Unusable(explain(error, filename)) from None
    return module


def explain(error, filename):
    """Why a property broke: its own words, or the exception with the line of the student's file where it arose."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == filename]
    where = f" in line {lines[-1]}" if lines else ""
    if isinstance(error, AssertionError) and str(error) and not lines:  # of the property, not of the student
        return str(error)
    if isinstance(error, MemoryError):
        return f"it asks for more memory than it may have{where}"
    if isinstance(error, RecursionError):
        return f"it calls itself without an end{where}"
    return f"{type(error).__name__}{where}" + (f": {error}" if str(error) else "")


def _check_imports(tree, start):
    known = {name for name, *_ in _imports(start)}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for name, bound, line in sorted(_imports(tree)):
        if name in known or name in EVERYDAY:
            continue
        if bound in used:
            raise Unusable(f"line {line} imports {name}: write it with numpy and what the file came with")
        raise Unusable(f"line {line} imports {name}, which nothing in the file uses: delete that line")


def _imports(tree):
    """(full name, name in the file, line) of what a file imports; of everyday modules the top one, numpy for
    numpy.linalg."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for alias in node.names:
            name = alias.name if isinstance(node, ast.Import) else f"{node.module or ''}.{alias.name}"
            top = name.partition(".")[0]
            bound = alias.asname or (top if isinstance(node, ast.Import) else alias.name)
            yield top if top in EVERYDAY else name, bound, node.lineno


def check_signature(function, start_text, name):
    """`Unusable` if the arguments are not those that the file came with: inputs are given by name."""
    asked = _function(ast.parse(start_text), name)
    try:
        given = inspect.signature(function).parameters
    except (ValueError, TypeError):  # what has none, such as a function of NumPy, is called and seen
        return
    if any(one.kind == one.VAR_KEYWORD for one in given.values()):
        return
    wanted = [one.arg for one in (*asked.args.posonlyargs, *asked.args.args, *asked.args.kwonlyargs)]
    extra = [one.name for one in given.values() if one.name not in wanted and one.default is one.empty]
    extra = [one for one in extra if given[one].kind != inspect.Parameter.VAR_POSITIONAL]
    kept = [one for one in given if one in wanted]
    if kept != wanted or extra:
        mine = ", ".join(given)
        raise Unusable(
            f"{name}({mine}) has other arguments than the exercise: keep {name}({ast.unparse(asked.args)}), "
            "for it is called by these names"
        )


def check_is_reached(tree, start_text, name):
    """`Unusable` if the code stands below the `raise` that the file came with."""
    line, below, _ = _leftover(tree, start_text, name)
    if below:
        raise Unusable(
            f"what stands below `raise NotImplementedError` in line {line} is never reached: delete that line"
        )


def filled_in(tree, start_text, name):
    """Where a `raise` is left in a function that was written otherwise: its line, else None."""
    line, _, written = _leftover(tree, start_text, name)
    return line if written else None


def _leftover(tree, start_text, name):
    """(line of the `raise NotImplementedError` or None, whether code stands below it, whether any was written)."""
    function, stub = _function(tree, name), _function(ast.parse(start_text), name)
    if function is None:
        return None, False, False
    own = {ast.dump(statement) for statement in stub.body}
    places = [i for i, one in enumerate(function.body) if isinstance(one, ast.Raise) and "NotImpl" in ast.unparse(one)]
    written = [i for i, one in enumerate(function.body) if ast.dump(one) not in own and i not in places[:1]]
    written = [i for i in written if not _is_text(function.body[i])]  # a docstring that was changed
    if not places:
        return None, False, bool(written)
    return function.body[places[0]].lineno, any(i > places[0] for i in written), bool(written)


def _is_text(statement):
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def _function(tree, name):
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return found[-1] if found else None


def reaches(source, start_text):
    """What a person should look at before giving marks, as texts: names that an answer has no use for, modules whose
    parts are replaced."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    modules = {bound for _, bound, _ in _imports(tree)}
    came = {part for name, *_ in _imports(ast.parse(start_text)) for part in name.split(".")}
    found = {}
    for node in ast.walk(tree):
        for name in _names(node):
            if name in REACHES - came:
                found.setdefault(name, f"line {node.lineno} uses {name}")
        for target in _targets(node):
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id in modules:
                place = ast.unparse(target)
                found.setdefault(place, f"line {node.lineno} replaces {place}")
    return tuple(found.values())


def _names(node):
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        return (node.attr,)
    if isinstance(node, ast.Import):
        return [part for alias in node.names for part in alias.name.split(".")]
    if isinstance(node, ast.ImportFrom):
        return [*(node.module or "").split("."), *(alias.name for alias in node.names)]
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("__"):
        return (node.value,)  # getattr(x, "__globals__")
    return ()


def _targets(node):
    if isinstance(node, ast.Assign):
        return node.targets
    return (node.target,) if isinstance(node, ast.AugAssign | ast.AnnAssign) else ()
