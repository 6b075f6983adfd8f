"""Fuzz for long: counts executions by target, prints seeds of crashes, goes on where it stopped.

python -m tests.fuzz --executions 1000000 --state fuzz.json
python -m tests.fuzz --target parquet --seed 4711          # one execution again, with its trace
"""

from __future__ import annotations

import argparse
import json
import tempfile
import traceback
from pathlib import Path
from random import Random

from .campaign import Tally, in_children, in_process
from .targets import TARGETS


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--executions", type=int, default=10_000, help="over all targets")
    parser.add_argument("--target", choices=[*TARGETS], help="only this one")
    parser.add_argument("--seed", type=int, help="one execution, with its trace")
    parser.add_argument("--start", type=int, default=0, help="first seed of every target")
    parser.add_argument("--state", type=Path, help="JSON file to go on from and to write to")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        name, start, count, folder = given.worker
        base = Path(folder)
        print(json.dumps(in_process(name, int(start), int(count), base, base / "seed").document()))
    elif given.seed is not None:
        again(given.target or "packs", given.seed)
    else:
        campaign(given)


def again(name: str, seed: int) -> None:
    """One execution without a guard, so that its trace is seen."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder, "scratch")
        scratch.mkdir()
        try:
            TARGETS[name].execute(Random(f"{name}:{seed}"), scratch)
            print(f"{name} {seed}: passed")
        except BaseException:
            traceback.print_exc()


def campaign(given: argparse.Namespace) -> None:
    """All targets in turn, each to its share; prints a line for each step and a table."""
    state = json.loads(given.state.read_text()) if given.state and given.state.exists() else {}
    for name in [given.target] if given.target else TARGETS:
        share = 1.0 if given.target else TARGETS[name].share
        before = state.get(name, {"next": given.start, "tally": Tally().document()})
        tally = Tally()
        tally.add(before["tally"])
        end = given.start + round(given.executions * share)
        left = end - before["next"]
        for following, counted in in_children(name, before["next"], left) if left > 0 else ():
            tally.add(counted)
            state[name] = {"next": following, "tally": tally.document()}
            print(f"{name}: seeds up to {following}, {len(tally.crashes)} crashes", flush=True)
            if given.state:
                given.state.write_text(json.dumps(state, indent=1))
    print(table(state))


def table(state: dict[str, dict[str, object]]) -> str:
    """Executions, refusals and crashes by target, as Markdown."""
    lines = [
        "| target | executions | refused with an error of ours | crashes |",
        "|---|---|---|---|",
    ]
    total = 0
    for name, one in state.items():
        tally = one["tally"]
        assert isinstance(tally, dict)
        total += tally["executions"]
        crashes = "; ".join(f"{what} (seed {seed})" for what, seed in tally["crashes"].items())
        lines.append(
            f"| {name} | {tally['executions']:,} | {tally['refused']:,} | {crashes or 'none'} |"
        )
    return "\n".join([*lines, f"| all | {total:,} | | |"])


if __name__ == "__main__":
    main()
