"""Modules import each other one way only, in functions and for type checkers too."""

import grimp


def cycles(graph: grimp.ImportGraph) -> set[tuple[str, ...]]:
    """Groups of two or more modules that import each other, directly or by way of others."""
    imported_by = {module: graph.find_upstream_modules(module) for module in graph.modules}
    groups = {
        tuple(sorted({module, *(each for each in above if module in imported_by[each])}))
        for module, above in imported_by.items()
    }
    return {group for group in groups if len(group) > 1}


def test_a_cycle_is_found() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in (("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")):
        graph.add_import(importer=importer, imported=imported)
    assert cycles(graph) == {("a", "b", "c")}


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph("cnnlab", exclude_type_checking_imports=False, cache_dir=None)
    assert cycles(graph) == set()
