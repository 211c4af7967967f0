"""Matrices however they are written: environments, bracketed rows, scaled, added."""

from __future__ import annotations

from veritune.verifiers.math.syntax.nodes import Add, Div, Group, Matrix, Mul, Neg, Node, Pow, Sym


def as_matrix(node: Node) -> Matrix | None:
    """`node` as a matrix of entries: itself, ``[[1,2],[3,4]]``, or scalars times and sums of matrices."""
    match node:
        case Matrix():
            return node
        case Group(items, "[" | "(", _) if items and all(isinstance(i, Group) for i in items):
            rows = tuple(i.items for i in items if isinstance(i, Group))
            square = all(isinstance(i, Group) and i.opening == "[" for i in items)
            return Matrix(rows) if node.opening == "[" and square and len({len(r) for r in rows}) == 1 else None
        case Group((Matrix() as inner,), _, _):
            return inner
        case Pow(of, Sym("T")):
            inner_matrix = as_matrix(of) or (Matrix((of.items,)) if isinstance(of, Group) else None)
            return None if inner_matrix is None else Matrix(tuple(zip(*inner_matrix.rows, strict=True)))
        case Neg(of):
            inner_matrix = as_matrix(of)
            return None if inner_matrix is None else _map(inner_matrix, Neg)
        case Div(over, under):
            inner_matrix = as_matrix(over)
            return None if inner_matrix is None else _map(inner_matrix, lambda entry: Div(entry, under))
        case Mul(factors):
            return _scaled(factors)
        case Add(terms):
            return _sum(terms)
    return None


def as_rows(node: Node) -> Matrix | None:
    """``((1,2),(3,4))`` as a matrix: tuples of one length, for a comparison with a matrix."""
    if isinstance(node, Group) and len(node.items) > 1 and all(isinstance(i, Group) for i in node.items):
        rows = tuple(i.items for i in node.items if isinstance(i, Group))
        return Matrix(rows) if len({len(r) for r in rows}) == 1 else None
    return None


def _map(matrix: Matrix, change: object) -> Matrix:
    return Matrix(tuple(tuple(change(entry) for entry in row) for row in matrix.rows))  # type: ignore[operator]


def _scaled(factors: tuple[Node, ...]) -> Matrix | None:
    if not any(isinstance(f, Matrix | Group) for f in factors):
        return None
    found = [as_matrix(f) for f in factors]
    matrices = [m for m in found if m is not None]
    if len(matrices) > 1:
        return _product(matrices) if len(matrices) == len(factors) else None
    if not matrices:
        return None
    scalars = tuple(f for f, m in zip(factors, found, strict=True) if m is None)
    if not scalars:
        return matrices[0]
    return _map(matrices[0], lambda entry: Mul((*scalars, entry)))


def _product(matrices: list[Matrix]) -> Matrix | None:
    product = matrices[0]
    for right in matrices[1:]:
        inner = len(right.rows)
        if len(product.rows[0]) != inner or len(product.rows) * inner * len(right.rows[0]) > 216:
            return None
        product = Matrix(
            tuple(
                tuple(
                    Add(tuple(Mul((row[k], right.rows[k][c])) for k in range(inner))) for c in range(len(right.rows[0]))
                )
                for row in product.rows
            )
        )
    return product


def _sum(terms: tuple[Node, ...]) -> Matrix | None:
    found = [as_matrix(t) for t in terms]
    matrices = [m for m in found if m is not None]
    if len(matrices) != len(terms) or len({(len(m.rows), len(m.rows[0])) for m in matrices}) != 1:
        return None
    height, width = len(matrices[0].rows), len(matrices[0].rows[0])
    return Matrix(tuple(tuple(Add(tuple(m.rows[r][c] for m in matrices)) for c in range(width)) for r in range(height)))
