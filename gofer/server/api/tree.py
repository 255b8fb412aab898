"""Finds the route of a path: one dictionary look-up a segment, however many routes there are."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Node(Generic[T]):
    """One path. `targets` are its methods; `template` is the path as it was declared."""

    __slots__ = ("child", "literals", "parameter", "targets", "template")

    def __init__(self, template: str) -> None:
        self.template = template
        self.literals: dict[str, Node[T]] = {}
        self.parameter = ""
        self.child: Node[T] | None = None
        self.targets: dict[str, T] = {}


class Tree(Generic[T]):
    """Paths such as `/namespaces/{namespace}/runs`. A literal segment goes before a parameter."""

    def __init__(self) -> None:
        self._root: Node[T] = Node("")

    def add(self, method: str, path: str, target: T) -> None:
        """Declare one method of one path. Raises ValueError if it is there already."""
        node = self._root
        for segment in path.split("/")[1:]:
            node = self._step(node, segment)
        if method in node.targets:
            raise ValueError(f"{method} {path} is declared twice")
        node.targets[method] = target

    def _step(self, node: Node[T], segment: str) -> Node[T]:
        template = f"{node.template}/{segment}"
        if not segment.startswith("{"):
            return node.literals.setdefault(segment, Node(template))
        name = segment[1:-1]
        if node.child is None:
            node.parameter, node.child = name, Node(template)
        if node.parameter != name:
            raise ValueError(f"{template} calls its parameter otherwise than a route beside it ({node.parameter})")
        return node.child

    def find(self, raw_path: str) -> tuple[Node[T], dict[str, str]] | None:
        """The node of a still escaped path and its still escaped parameters; None where there is no such path.

        Nothing is unescaped before the path is split, so that no `%2F` makes a segment and no `%2e` a literal.
        """
        node, given = self._root, {}
        for segment in raw_path.split("/")[1:]:
            literal = node.literals.get(segment)
            if literal is not None:
                node = literal
            elif node.child is not None and segment:
                given[node.parameter] = segment
                node = node.child
            else:
                return None
        return (node, given) if node.targets else None
