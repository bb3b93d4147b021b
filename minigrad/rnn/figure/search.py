"""The shortest way along a lattice, with what a reader minds added to its length: turns, crossings, rows of circles.

Dijkstra (1959) over vertices and directions, led towards its goal (Hart, Nilsson, Raphael 1968).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from heapq import heappop, heappush
from itertools import count

from minigrad.rnn.figure.lattice import ACROSS, ALONG, MIDDLE, STUB, TURN, Lattice

Vertex = tuple[int, int]
Way = list[Vertex]
State = tuple[Vertex, int]
"""At a vertex, going in a direction."""

BEND, CROSSING, CENTRAL = 14.0, 12.0, 0.3
AHEAD = ((1, 0), (0, 1), (-1, 0), (0, -1))  # right, up, left, down


def shortest(
    lattice: Lattice,
    starts: Mapping[State, float],
    ends: Mapping[State, float],
    reach: range,
    left_to_go: Callable[[Vertex], float],
    banned: Collection[Vertex] = (),
) -> tuple[float, Way] | None:
    """The cheapest way from one of ``starts`` to one of ``ends``, with its cost; None if there is none.

    Parameters
    ----------
    lattice : Lattice
    starts, ends : mapping of (vertex, direction) to float
        At which vertices a way may begin and end, going in which of the directions of `AHEAD`, and what that costs.
    reach : range
        The columns that it may use.
    left_to_go : callable
        A lower bound of what is left to pay at a vertex.
    banned : collection of vertices
        Not to be used.
    """
    there, used, xs, ys, cell = lattice.there, lattice.used, lattice.x, lattice.ys, lattice.cell
    columns, rows, nx, ny = lattice.columns, lattice.rows, lattice.nx, lattice.ny
    low, high, tie = reach.start, reach.stop, count()
    best: dict[State, float] = {}
    before: dict[State, State] = {}
    heap: list[tuple[float, int, float, State | None, State | None]] = []
    for state, cost in starts.items():
        if low <= state[0][0] < high and state[0] not in banned:
            heappush(heap, (cost + left_to_go(state[0]), next(tie), cost, state, None))
    while heap:
        _, _, cost, reached, came = heappop(heap)
        if reached is None:
            return cost, _followed(before, came)
        state = reached
        if state in best:
            continue
        best[state] = cost
        if came is not None:
            before[state] = came
        (i, j), d = vertex, direction = state
        if state in ends and came is not None:
            heappush(heap, (cost + ends[state], next(tie), cost + ends[state], None, state))
        here = cell(i, j)
        for turn in (0, 1, 3):
            if turn and (used[here] or max(columns[i % nx], rows[j]) >= STUB or came is None or came[0] == vertex):
                continue
            d = (direction + turn) % 4
            di, dj = AHEAD[d]
            ni, nj = i + di, j + dj
            if not (low <= ni < high and 0 <= nj < ny) or (columns[i % nx] if dj else rows[j]) >= STUB:
                continue
            there_ = cell(ni, nj)
            mark = used[there_]
            if not there[there_] or mark & ((ALONG if di else ACROSS) | TURN) or (ni, nj) in banned:
                continue
            step = abs(xs(ni) - xs(i)) if di else abs(ys[nj] - ys[j])
            if (rows[j] if di else columns[i % nx]) == MIDDLE:
                step += CENTRAL * step
            step += BEND * bool(turn) + CROSSING * bool(mark)
            new = (ni, nj), d
            if new not in best:
                total = cost + step
                heappush(heap, (total + left_to_go(new[0]), next(tie), total, new, state))
    return None


def _followed(before: Mapping[State, State], end: State | None) -> Way:
    """The way that led to a state, from its beginning."""
    way: Way = []
    while end is not None:
        way.append(end[0])
        end = before.get(end)
    return way[::-1]
